#include "reader.h"

namespace bidl {
namespace {
constexpr int64_t VECTOR = 16;  // numbers that may be read at once of a constant
}

Format Reader::format() {
  const int32_t k = word();
  require(k >= 0 && k <= 2, "has an unknown number format");
  return ok() ? static_cast<Format>(k) : Format::float32;
}

Operand Reader::operand(int64_t pixels, int64_t columns, int64_t bytes, bool writes, bool in_group, bool sums) {
  Operand o{};
  o.place = kind(Place::count);
  o.offset = count();
  o.repeat = kind(Repeat::count);
  const bool full = o.repeat == Repeat::full;
  if (o.place == Place::temporary || o.place == Place::sums) {
    const bool there = o.place == Place::temporary ? in_group && o.offset < program_.temporaries : sums && !writes;
    require(there && full && bytes == 4, "names a block that is not there");
    return o;
  }
  require(!writes || (o.place != Place::input && o.place != Place::constant), "writes to a constant place");
  require(full || (o.place == Place::constant && bytes == 4), "repeats what is no constant");
  const int64_t elements = full ? pixels * columns : o.repeat == Repeat::one ? VECTOR : (columns + VECTOR - 1) / VECTOR * VECTOR;
  require(o.offset % bytes == 0 && o.offset + elements * bytes <= size(o.place), "reaches outside its memory");
  return o;
}

int64_t Reader::weights(int64_t elements) {
  const int64_t offset = count();
  require(offset + elements <= weights_, "names weights that are not there");
  return offset;
}

Window Reader::window() {
  Window g{};
  for (int32_t* field :
       {&g.in_h, &g.in_w, &g.in_c, &g.out_h, &g.out_w, &g.out_c, &g.k_h, &g.k_w, &g.stride_h, &g.stride_w}) {
    *field = count(1);
  }
  g.pad_h = count();
  g.pad_w = count();
  require(g.pad_h < g.k_h && g.pad_w < g.k_w, "has a window outside the image");
  require(int64_t{g.out_h - 1} * g.stride_h - g.pad_h < g.in_h && int64_t{g.out_w - 1} * g.stride_w - g.pad_w < g.in_w,
          "has a window outside the image");
  volume(g.in_h, g.in_w, g.in_c);
  volume(g.out_h, g.out_w, g.out_c);
  return g;
}

int Reader::list(const ListShape*& shape) {
  const int32_t list = count();
  require(static_cast<size_t>(list) < program_.lists.size(), "names a list that is not there");
  shape = ok() ? &program_.lists[list] : nullptr;
  return ok() ? list : 0;
}

int64_t Reader::size(Place place) const {
  switch (place) {
    case Place::arena: return program_.arena_bytes;
    case Place::input: return program_.input_bytes;
    case Place::output: return program_.output_bytes;
    case Place::state: return program_.state_bytes;
    case Place::constant: return static_cast<int64_t>(program_.constants.size()) * 4;
    default: return 0;
  }
}

}  // namespace bidl
