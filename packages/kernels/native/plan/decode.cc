#include "half.h"
#include "kernels.h"
#include "reader.h"

namespace bidl {
namespace {

constexpr int32_t VERSION = 2;

int sources_of(Op op) {
  switch (op) {
    case Op::add: case Op::sub: case Op::mul: case Op::div: case Op::gt: return 2;
    case Op::blend: case Op::affine: return 3;
    case Op::reset_decay: return 5;
    case Op::integrate_fire: return 6;
    default: return 1;
  }
}

void read_synapse(Reader& in, Instruction& i) {
  const ListShape* list;
  i.list = in.list(list);
  i.window = in.window();
  if (!in.ok()) return;
  const Window& w = i.window;
  in.require(list->height == w.in_h && list->width == w.in_w && list->channels == w.in_c, "has a list of another shape");
  in.require(i.body.rows == w.out_h && i.body.width == w.out_w && i.body.columns == w.out_c,
             "has a synapse of another size");
  i.weights = in.weights(in.volume(in.volume(w.k_h, w.k_w, w.in_c), w.out_c, 1));
  i.bias = in.optional_weights(w.out_c);
}

/// What pools and notes the results of a group.
void read_tail(Reader& in, Group& g, bool synapse) {
  int64_t rows = g.rows, width = g.width;
  g.pooled = in.flag();
  if (g.pooled) {
    g.average = in.flag();
    g.pool_h = in.count(1);
    g.pool_w = in.count(1);
    in.require(synapse && g.pool_h <= rows && g.pool_w <= width, "pools what is not there");
    if (!in.ok()) return;
    g.pool_src = in.operand(rows * width, g.columns, 4, false, true, synapse);
    rows /= g.pool_h;
    width /= g.pool_w;
    g.pool_dst = in.operand(rows * width, g.columns, 4, true, true, false);
  }
  if (!in.flag()) return;
  const ListShape* list;
  g.spikes = in.list(list);
  if (!in.ok()) return;
  const bool same = list->height == rows && list->width == width && list->channels == g.columns;
  const bool whole = g.columns % FOUR == 0 && list->channels % FOUR == 0;  // fours lie one after the other
  const bool fits = same || (whole && int64_t{list->height} * list->width * list->channels == rows * width * g.columns);
  in.require(synapse && list->form == ListShape::spikes && fits, "notes spikes in a list of another shape");
  g.spikes_src = in.operand(rows * width, g.columns, 4, false, true, synapse && !g.pooled);
}

void read_group(Reader& in, Instruction& i) {
  Group& g = i.body;
  g.rows = in.count(1);
  g.width = in.count(1);
  g.columns = in.count(1);
  in.volume(g.rows, g.width, g.columns);
  const bool synapse = in.flag();
  if (synapse) read_synapse(in, i);
  in.require(synapse || g.rows == 1, "has a group of no shape");
  const int64_t pixels = g.rows * g.width;
  const int32_t elements = in.count();
  for (int32_t k = 0; k < elements && in.ok(); ++k) {
    Element e{};
    e.op = in.kind(Op::count);
    e.sources = sources_of(e.op);
    for (int d = 0; d < results_of(e.op); ++d) {
      e.dst[d] = in.operand(pixels, g.columns, result_bytes(e.op), true, true, synapse);
    }
    for (int s = 0; s < e.sources; ++s) {
      e.src[s] = in.operand(pixels, g.columns, source_bytes(e.op), false, true, synapse);
    }
    g.elements.push_back(e);
  }
  if (in.ok()) read_tail(in, g, synapse);
}

void read_instruction(Reader& in, Instruction& i) {
  switch (i.kind) {
    case Instruction::find: {
      const ListShape* list;
      i.list = in.list(list);
      i.format = in.format();
      if (!in.ok()) return;
      in.require(list->form == ListShape::list || i.format == Format::float32, "finds spikes in another format");
      i.src = in.whole(int64_t{list->height} * list->width * list->channels, bytes_of(i.format), false);
      return;
    }
    case Instruction::group: return read_group(in, i);
    case Instruction::pool:
    case Instruction::grouped_conv: {
      const bool pool = i.kind == Instruction::pool;
      pool ? void(i.average = in.flag()) : void(i.groups = in.count(1));
      i.window = in.window();
      if (!in.ok()) return;
      const Window& g = i.window;
      in.require(!pool || g.in_c == g.out_c, "pools into another number of channels");
      in.require(g.in_c % i.groups == 0 && g.out_c % i.groups == 0, "has groups that do not divide the channels");
      if (!in.ok()) return;
      if (!pool) {
        i.weights = in.weights(in.volume(in.volume(g.k_h, g.k_w, g.in_c / i.groups), g.out_c, 1));
        i.bias = in.optional_weights(g.out_c);
      }
      i.src = in.whole(int64_t{g.in_h} * g.in_w * g.in_c, 4, false);
      i.dst = in.whole(int64_t{g.out_h} * g.out_w * g.out_c, 4, true);
      return;
    }
    case Instruction::tile:
      i.n = in.count(1);
      i.period = in.count(1);
      in.require(i.n % i.period == 0, "tiles something that does not fit");
      i.src = in.whole(i.period, 4, false);
      i.dst = in.whole(i.n, 4, true);
      return;
    case Instruction::end: return;
  }
}

void read_header(Reader& in, Program& p) {
  in.require(in.word() == VERSION, "is of another version");
  p.timesteps = in.count(1);
  for (int64_t* field : {&p.input_bytes, &p.output_bytes, &p.state_bytes, &p.arena_bytes, &p.temporaries}) {
    *field = in.count();
  }
  const int32_t states = in.count();
  for (int32_t k = 0; k < states && in.ok(); ++k) {
    StateSlot slot{};
    slot.offset = in.count();
    slot.elements = in.count(1);
    slot.format = in.format();
    slot.initial = bits_to_float(static_cast<uint32_t>(in.word()));
    in.require(slot.format != Format::uint8, "has a state in bytes");
    in.require(slot.offset % 4 == 0 && slot.offset + slot.elements * bytes_of(slot.format) <= p.state_bytes,
               "has a state outside its memory");
    p.states.push_back(slot);
  }
  const int32_t lists = in.count();
  for (int32_t k = 0; k < lists && in.ok(); ++k) {
    ListShape list{};
    list.form = in.kind(ListShape::forms);
    for (int32_t* field : {&list.height, &list.width, &list.channels}) *field = in.count(1);
    const int64_t fours = fours_of(list.channels);
    in.volume(list.height, list.width, 16 * FOUR * fours);  // so entries fit a word
    if (list.form == ListShape::spikes) {
      in.volume(list.width, 16 * fours + 1, PANEL * sizeof(float));
      in.require(list.width <= Fours::MOST_PIXELS && fours <= Fours::MOST_FOURS, "has a list that is too long");
    }
    p.lists.push_back(list);
  }
}

}  // namespace

Program decode(const int32_t* code, size_t words, size_t weights, Floats constants, std::string& error) {
  Program p{};
  p.constants = std::move(constants);
  Reader in(code, words, weights, p, error);
  read_header(in, p);
  while (in.ok()) {
    Instruction i{};
    const int32_t kind = in.word();
    in.require(kind >= 0 && kind <= Instruction::grouped_conv, "has an unknown instruction");
    if (!in.ok() || kind == Instruction::end) break;
    i.kind = static_cast<Instruction::Kind>(kind);
    i.joined = in.flag() && !p.instructions.empty();
    read_instruction(in, i);
    p.instructions.push_back(std::move(i));
  }
  return p;
}

}  // namespace bidl
