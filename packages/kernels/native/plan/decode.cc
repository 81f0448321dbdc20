#include <cmath>

#include "half.h"
#include "program.h"

namespace bidl {
namespace {

constexpr int32_t VERSION = 1;

/// Takes words off the stream and remembers the first thing that was wrong.
class Reader {
 public:
  Reader(const int32_t* code, size_t words, size_t weights, Program& program, std::string& error)
      : at_(code), end_(code + words), weights_(static_cast<int64_t>(weights)), program_(program), error_(error) {}

  bool ok() const { return error_.empty(); }
  void fail(const char* what) {
    if (ok()) error_ = what;
  }
  void require(bool condition, const char* what) {
    if (!condition) fail(what);
  }
  int32_t word() {
    if (at_ == end_) {
      fail("ends too early");
      return 0;
    }
    return *at_++;
  }
  int32_t count(int32_t least = 0) {
    const int32_t n = word();
    require(n >= least, "has a number that is too small");
    return ok() ? n : least;
  }
  template <class E>
  E kind(E end) {
    const int32_t k = word();
    require(k >= 0 && k < static_cast<int32_t>(end), "has an unknown code");
    return ok() ? static_cast<E>(k) : E{};
  }
  Format format() {
    const int32_t k = word();
    require(k >= 0 && k <= 2, "has an unknown number format");
    return ok() ? static_cast<Format>(k) : Format::float32;
  }

  /// An operand that covers `elements` elements of `bytes` each, `block` of them at a time.
  Operand operand(int64_t elements, int64_t block, int64_t bytes, bool writes) {
    Operand o;
    o.place = kind(Place::count);
    o.offset = count();
    o.step = count();
    require(o.step == 0 || o.step == bytes, "moves by something else than its elements");
    require(!writes || (o.place != Place::input && o.place != Place::constant), "writes to a constant place");
    const int64_t span = (o.step == 0 ? block : elements) * bytes;
    require(o.offset % bytes == 0 && o.offset + span <= size(o.place), "reaches outside its memory");
    return o;
  }
  int64_t weights(int64_t elements) {
    const int64_t offset = count();
    require(offset + elements <= weights_, "names weights that are not there");
    return offset;
  }
  Window window(bool pooling) {
    Window g;
    for (int32_t* field : {&g.in_h, &g.in_w, &g.in_c, &g.out_h, &g.out_w, &g.out_c, &g.k_h, &g.k_w, &g.stride_h,
                           &g.stride_w}) {
      *field = count(1);
    }
    g.pad_h = count();
    g.pad_w = count();
    require(g.pad_h < g.k_h && g.pad_w < g.k_w, "has a window outside the image");
    require(int64_t{g.out_h - 1} * g.stride_h - g.pad_h < g.in_h &&
                int64_t{g.out_w - 1} * g.stride_w - g.pad_w < g.in_w,
            "has a window outside the image");
    require(!pooling || g.in_c == g.out_c, "pools into another number of channels");
    return g;
  }

 private:
  int64_t size(Place place) const {
    switch (place) {
      case Place::arena: return program_.arena_bytes;
      case Place::temporary: return program_.temporaries * ((program_.block * 4 + 63) / 64 * 64);
      case Place::input: return program_.input_bytes;
      case Place::output: return program_.output_bytes;
      case Place::state: return program_.state_bytes;
      case Place::constant: return static_cast<int64_t>(program_.constants.size()) * 4;
      case Place::count: break;
    }
    return 0;
  }
  const int32_t *at_, *const end_;
  const int64_t weights_;
  Program& program_;
  std::string& error_;
};

int sources_of(Op op) {
  switch (op) {
    case Op::add: case Op::sub: case Op::mul: case Op::div: case Op::gt: return 2;
    case Op::blend: case Op::affine: return 3;
    case Op::reset_decay: return 5;
    case Op::integrate_fire: case Op::neuron: return 6;
    default: return 1;
  }
}

void read_group(Reader& in, const Program& program, Instruction& i) {
  i.n = in.count(1);
  i.block = in.count(1);
  in.require(i.block <= program.block, "has a block that is too long");
  i.synapse = in.word() != 0;
  if (i.synapse) {
    i.list = in.count();
    i.window = in.window(false);
    const Window& g = i.window;
    in.require(static_cast<size_t>(i.list) < program.lists.size(), "names a list that is not there");
    if (!in.ok()) return;
    const ListShape& list = program.lists[i.list];
    in.require(list.channels == g.in_c && list.pixels == int64_t{g.in_h} * g.in_w && list.row == int64_t{g.in_w} * g.in_c,
               "has a list of another shape");
    const bool dense = g.out_h * g.out_w == 1;
    in.require(i.n == int64_t{g.out_h} * g.out_w * g.out_c, "has a synapse of another size");
    in.require(i.block % (dense ? DENSE_COLUMNS : g.out_c) == 0 || i.block == i.n, "has blocks that split pixels");
    i.weights = in.weights(int64_t{g.k_h} * g.k_w * g.in_c * g.out_c);
    if (in.word() != 0) i.bias = in.weights(g.out_c);
    i.dst = in.operand(i.n, i.block, 4, true);
  }
  const int32_t elements = in.count();
  for (int32_t k = 0; k < elements && in.ok(); ++k) {
    Element e{};
    e.op = in.kind(Op::count);
    e.sources = sources_of(e.op);
    if (e.op == Op::neuron) {
      e.period = in.count(1);
      in.require(in.ok() && i.n % e.period == 0 && i.block % e.period == 0, "has a neuron that splits pixels");
      if (!in.ok()) return;
    }
    e.dst[0] = in.operand(i.n, i.block, e.op == Op::to_half ? 2 : 4, true);
    const bool neuron = e.op == Op::neuron;
    if (neuron || e.op == Op::integrate_fire) e.dst[1] = in.operand(i.n, i.block, 4, true);
    for (int s = 0; s < e.sources; ++s) {
      const int64_t bytes = e.op == Op::from_half ? 2 : e.op == Op::from_byte ? 1 : 4;
      const bool factor = neuron && s >= 2;  // threshold and reset: one number; decay: one for each channel
      e.src[s] = factor ? in.operand(i.n, s < 4 ? 1 : e.period, bytes, false) : in.operand(i.n, i.block, bytes, false);
      in.require(!factor || e.src[s].step == 0, "has a neuron whose factors move");
    }
    i.elements.push_back(e);
  }
}

void read_instruction(Reader& in, const Program& program, Instruction& i) {
  switch (i.kind) {
    case Instruction::find: {
      i.list = in.count();
      in.require(static_cast<size_t>(i.list) < program.lists.size(), "names a list that is not there");
      i.format = in.format();
      if (!in.ok()) return;
      const int64_t n = program.lists[i.list].pixels * program.lists[i.list].channels;
      i.src = in.operand(n, n, bytes_of(i.format), false);
      return;
    }
    case Instruction::group: return read_group(in, program, i);
    case Instruction::pool:
    case Instruction::grouped_conv: {
      const bool pool = i.kind == Instruction::pool;
      if (pool) {
        i.average = in.word() != 0;
      } else {
        i.groups = in.count(1);
      }
      i.window = in.window(pool);
      const Window& g = i.window;
      in.require(g.in_c % i.groups == 0 && g.out_c % i.groups == 0, "has groups that do not divide the channels");
      if (!in.ok()) return;
      if (!pool) {
        i.weights = in.weights(int64_t{g.k_h} * g.k_w * (g.in_c / i.groups) * g.out_c);
        if (in.word() != 0) i.bias = in.weights(g.out_c);
      }
      const int64_t n = int64_t{g.in_h} * g.in_w * g.in_c, m = int64_t{g.out_h} * g.out_w * g.out_c;
      i.src = in.operand(n, n, 4, false);
      i.dst = in.operand(m, m, 4, true);
      return;
    }
    case Instruction::tile:
      i.n = in.count(1);
      i.block = in.count(1);
      in.require(i.n % i.block == 0, "tiles something that does not fit");
      i.src = in.operand(i.block, i.block, 4, false);
      i.dst = in.operand(i.n, i.n, 4, true);
      return;
    case Instruction::end: return;
  }
}

}  // namespace

Program decode(const int32_t* code, size_t words, size_t weights, Floats constants, std::string& error) {
  Program p{};
  p.constants = std::move(constants);
  Reader in(code, words, weights, p, error);
  in.require(in.word() == VERSION, "is of another version");
  for (int64_t* field : {&p.input_bytes, &p.output_bytes, &p.state_bytes, &p.arena_bytes, &p.temporaries, &p.block}) {
    *field = in.count();
  }
  const int32_t states = in.count();
  for (int32_t k = 0; k < states && in.ok(); ++k) {
    StateSlot slot{};
    slot.offset = in.count();
    slot.elements = in.count(1);
    slot.format = in.format();
    slot.initial = bits_to_float(static_cast<uint32_t>(in.word()));
    in.require(slot.offset % 4 == 0 && slot.offset + slot.elements * bytes_of(slot.format) <= p.state_bytes,
               "has a state outside its memory");
    p.states.push_back(slot);
  }
  const int32_t lists = in.count();
  for (int32_t k = 0; k < lists && in.ok(); ++k) {
    const int32_t pixels = in.count(1), channels = in.count(1), row = in.count(1);
    in.require(int64_t{pixels} * channels < INT32_MAX / 2, "has a list that is too long");
    in.require(in.ok() && row % channels == 0 && pixels % (row / channels) == 0, "has a list that is no image");
    p.lists.push_back({pixels, channels, row});
  }
  while (in.ok()) {
    Instruction i;
    const int32_t kind = in.word();
    in.require(kind >= 0 && kind <= Instruction::grouped_conv, "has an unknown instruction");
    if (!in.ok() || kind == Instruction::end) break;
    i.kind = static_cast<Instruction::Kind>(kind);
    read_instruction(in, p, i);
    p.instructions.push_back(std::move(i));
  }
  return p;
}

}  // namespace bidl
