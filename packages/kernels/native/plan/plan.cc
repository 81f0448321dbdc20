#include "plan.h"

#include <algorithm>
#include <cstring>

#include "../pool/pool.h"
#include "half.h"

namespace bidl {
namespace {
constexpr int64_t LINE = 64;  // bytes of a cache line
constexpr int64_t SLACK = 16;  // list entries that may be written or fetched beyond the last
int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
}  // namespace

Plan::Plan(Program program, const float* weights, int64_t threads)
    : program_(std::move(program)), kernels_(plan_kernels()) {
  for (Instruction& i : program_.instructions) {
    if (i.weights >= 0) pack(i, weights);
  }
  const int64_t block_bytes = round_up(program_.block * int64_t{sizeof(float)}, LINE);
  for (int64_t t = 0; t < threads; ++t) {
    auto s = std::make_unique<Scratch>();
    const int64_t arena = round_up(program_.arena_bytes, LINE);
    s->memory.resize(LINE + arena + program_.temporaries * block_bytes);
    const auto base = round_up(reinterpret_cast<intptr_t>(s->memory.data()), LINE);
    s->arena = reinterpret_cast<uint8_t*>(base);
    s->temporaries = s->arena + arena;
    for (const ListShape& list : program_.lists) {
      const int64_t most = list.pixels * list.channels + SLACK;
      s->index.emplace_back(most);
      s->value.emplace_back(most);
      s->start.emplace_back(list.pixels + 1);
      s->lists.push_back({s->index.back().data(), s->value.back().data(), s->start.back().data(), false});
    }
    scratch_.push_back(std::move(s));
  }
}

void Plan::pack(Instruction& i, const float* weights) const {
  const Window& g = i.window;
  const float* kernel = weights + i.weights;
  if (i.kind == Instruction::grouped_conv) {
    i.packed.assign(kernel, kernel + int64_t{g.k_h} * g.k_w * (g.in_c / i.groups) * g.out_c);
    if (i.bias >= 0) i.packed_bias.assign(weights + i.bias, weights + i.bias + g.out_c);
    return;
  }
  const int64_t rows = int64_t{g.k_h} * g.k_w * g.in_c, columns = g.out_c;
  const int64_t panel = kernels_.panel, padded = round_up(columns, kernels_.vector);
  i.packed.assign(rows * padded, 0.0f);
  i.packed_bias.assign(padded, 0.0f);
  if (i.bias >= 0) std::copy_n(weights + i.bias, columns, i.packed_bias.data());
  for (int64_t column = 0; column < columns; column += panel) {
    const int64_t width = std::min(panel, padded - column), count = std::min(panel, columns - column);
    float* to = i.packed.data() + rows * column;
    for (int64_t row = 0; row < rows; ++row) std::copy_n(kernel + row * columns + column, count, to + row * width);
  }
}

int64_t Plan::resident_bytes() const {
  int64_t floats = static_cast<int64_t>(program_.constants.size()), bytes = 0;
  for (const Instruction& i : program_.instructions) {
    floats += static_cast<int64_t>(i.packed.size() + i.packed_bias.size());
  }
  for (const auto& s : scratch_) {
    bytes += static_cast<int64_t>(s->memory.size());
    for (const ListShape& list : program_.lists) bytes += 8 * (list.pixels * list.channels + SLACK) + 4 * list.pixels;
  }
  return floats * int64_t{sizeof(float)} + bytes;
}

void Plan::reset(uint8_t* state, int64_t n) const {
  for (int64_t b = 0; b < n; ++b) {
    for (const StateSlot& slot : program_.states) {
      uint8_t* at = state + b * program_.state_bytes + slot.offset;
      if (slot.format == Format::float16) {
        std::fill_n(reinterpret_cast<uint16_t*>(at), slot.elements, to_half(slot.initial));
      } else {
        std::fill_n(reinterpret_cast<float*>(at), slot.elements, slot.initial);
      }
    }
  }
}

void Plan::step(const uint8_t* input, uint8_t* output, uint8_t* state, int64_t n) {
  const auto run = [&](int64_t b, Scratch& scratch) {
    sample(input + b * program_.input_bytes, output + b * program_.output_bytes, state + b * program_.state_bytes,
           scratch);
  };
  if (n == 1 || scratch_.size() == 1) {
    for (int64_t b = 0; b < n; ++b) run(b, *scratch_[0]);
    return;
  }
  parallel(std::min<int64_t>(n, static_cast<int64_t>(scratch_.size())), [&](const Region& region) {
    int64_t first, last;
    region.share(n, first, last);
    for (int64_t b = first; b < last; ++b) run(b, *scratch_[region.thread]);
  });
}

void Plan::sample(const uint8_t* input, uint8_t* output, uint8_t* state, Scratch& scratch) const {
  const auto* constants = reinterpret_cast<const uint8_t*>(program_.constants.data());
  // Only results go through the pointers that started out constant: `decode` allows no other.
  uint8_t* const bases[PLACES] = {scratch.arena, scratch.temporaries,           const_cast<uint8_t*>(input),
                                  output,        state, const_cast<uint8_t*>(constants)};
  const auto at = [&](const Operand& o, int64_t element = 0) {
    return bases[static_cast<int>(o.place)] + o.offset + o.step * element;
  };
  for (const Instruction& i : program_.instructions) {
    switch (i.kind) {
      case Instruction::find: {
        kernels_.list(at(i.src), i.format, program_.lists[i.list], scratch.lists[i.list]);
        break;
      }
      case Instruction::group: {
        const Window& g = i.window;
        const Packed packed = {i.packed.data(), i.packed_bias.data(), int64_t{g.k_h} * g.k_w * g.in_c, g.out_c};
        for (int64_t first = 0; first < i.n; first += i.block) {
          const int64_t n = std::min(i.block, i.n - first);
          if (i.synapse) {
            kernels_.synapse(scratch.lists[i.list], g, packed, first / g.out_c, n / g.out_c,
                             reinterpret_cast<float*>(at(i.dst, first)));
          }
          for (const Element& e : i.elements) {
            Elements block;
            block.n = n;
            for (int k = 0; k < MAX_RESULTS; ++k) block.dst[k] = at(e.dst[k], first);
            for (int k = 0; k < e.sources; ++k) block.src[k] = at(e.src[k], first);
            kernels_.element(e.op, block);
          }
        }
        break;
      }
      case Instruction::pool:
        kernels_.pool(reinterpret_cast<const float*>(at(i.src)), i.window, i.average,
                      reinterpret_cast<float*>(at(i.dst)));
        break;
      case Instruction::tile: {
        const int64_t bytes = i.block * int64_t{sizeof(float)};
        for (int64_t k = 0; k < i.n / i.block; ++k) std::memcpy(at(i.dst) + k * bytes, at(i.src), bytes);
        break;
      }
      case Instruction::grouped_conv:
        kernels_.grouped(reinterpret_cast<const float*>(at(i.src)), i.window, i.groups, i.packed.data(),
                         i.packed_bias.empty() ? nullptr : i.packed_bias.data(), reinterpret_cast<float*>(at(i.dst)));
        break;
      case Instruction::end: break;
    }
  }
}

}  // namespace bidl
