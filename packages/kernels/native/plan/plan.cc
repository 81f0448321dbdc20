#include "plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "../pool/pool.h"
#include "half.h"

namespace bidl {
namespace {
constexpr int64_t LINE = 64;  // bytes of a cache line
constexpr int64_t SLACK = 16;  // list entries that may be written or fetched beyond the last
constexpr int64_t TRIAL = 4, TRIAL_EVERY = 512;  // steps
constexpr int64_t TEAM_WORK = int64_t{1} << 20;  // multiply-adds of a step from which several threads pay
int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
}  // namespace

Plan::Plan(Program program, const float* weights, int64_t threads, int64_t samples)
    : program_(std::move(program)), kernels_(plan_kernels()) {
  int64_t work = 0;
  for (Instruction& i : program_.instructions) {
    if (i.weights < 0) continue;
    pack(i, weights);
    work += int64_t{i.window.out_h} * i.window.out_w * static_cast<int64_t>(i.packed.size());
  }
  temporary_bytes_ = program_.temporaries * round_up(program_.block * int64_t{sizeof(float)}, LINE);
  const bool together = threads > 1 && work >= TEAM_WORK;
  scratch_.push_back(make_scratch(together ? threads : 1));
  for (int64_t k = 1; k < std::min(threads, samples); ++k) scratch_.push_back(make_scratch(1));
  if (together) team_ = std::make_unique<Team>(static_cast<int>(threads));
}

std::unique_ptr<Plan::Scratch> Plan::make_scratch(int64_t threads) const {
  auto s = std::make_unique<Scratch>();
  const int64_t arena = round_up(program_.arena_bytes, LINE);
  s->memory.resize(LINE + arena + threads * temporary_bytes_);
  s->arena = reinterpret_cast<uint8_t*>(round_up(reinterpret_cast<intptr_t>(s->memory.data()), LINE));
  s->temporaries = s->arena + arena;
  for (const ListShape& list : program_.lists) {
    const int64_t width = list.row / list.channels, rows = list.pixels / width, capacity = list.row + SLACK;
    s->index.emplace_back(rows * capacity);
    s->value.emplace_back(rows * capacity);
    s->start.emplace_back(rows * (width + 1));
    s->ones.emplace_back(rows);
    s->lists.push_back({s->index.back().data(), s->value.back().data(), s->start.back().data(), s->ones.back().data(),
                        rows, width, list.channels, capacity});
  }
  return s;
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
  const int64_t panel = kernels_.panel(g), padded = round_up(columns, kernels_.vector());
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
    for (const ListShape& list : program_.lists) bytes += 8 * list.pixels * list.channels + 4 * list.pixels;
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
  const auto run = [&](int64_t b, Scratch& scratch, const Region& region) {
    sample(input + b * program_.input_bytes, output + b * program_.output_bytes, state + b * program_.state_bytes,
           scratch, region);
  };
  Barrier barrier(1);
  const Region alone{0, 1, barrier};
  const auto at_once = std::min(n, static_cast<int64_t>(scratch_.size()));
  if (at_once > 1) {
    parallel(at_once, [&](const Region& region) {
      int64_t first, last;
      region.share(n, first, last);
      for (int64_t b = first; b < last; ++b) run(b, *scratch_[region.thread], alone);
    });
    return;
  }
  for (int64_t b = 0; b < n; ++b) {
    one_sample([&](const Region& region) { run(b, *scratch_[0], region); });
  }
}

void Plan::one_sample(const std::function<void(const Region&)>& work) {
  Barrier barrier(1);
  const Region alone{0, 1, barrier};
  if (team_ == nullptr) return work(alone);
  const int64_t turn = steps_++ % TRIAL_EVERY;
  const bool trial = turn < 3 * TRIAL;
  const bool as_team = trial ? turn < 2 * TRIAL : together_ <= alone_;
  if (!trial) return as_team ? team_->run(work) : work(alone);
  const auto start = std::chrono::steady_clock::now();
  as_team ? team_->run(work) : work(alone);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  // The first half of the team's turns only wakes it up.
  double& best = as_team ? together_ : alone_;
  best = turn % TRIAL == 0 ? seconds : std::min(best, seconds);
}

namespace {
uint8_t* at(uint8_t* const* bases, const Operand& o, int64_t element = 0) {
  return bases[static_cast<int>(o.place)] + o.offset + o.step * element;
}
float* floats(uint8_t* const* bases, const Operand& o, int64_t element = 0) {
  return reinterpret_cast<float*>(at(bases, o, element));
}
}  // namespace

/// Threads share every instruction by rows or blocks and meet behind it.
void Plan::sample(const uint8_t* input, uint8_t* output, uint8_t* state, Scratch& scratch, const Region& region) const {
  const auto* constants = reinterpret_cast<const uint8_t*>(program_.constants.data());
  // Only results go through the pointers that started out constant: `decode` allows no other.
  uint8_t* const bases[PLACES] = {scratch.arena, scratch.temporaries + region.thread * temporary_bytes_,
                                  const_cast<uint8_t*>(input), output, state, const_cast<uint8_t*>(constants)};
  int64_t first, last;
  for (const Instruction& i : program_.instructions) {
    switch (i.kind) {
      case Instruction::find: {
        const NonZeros& list = scratch.lists[i.list];
        region.share(list.rows, first, last);
        kernels_.list(at(bases, i.src), i.format, list, first, last);
        break;
      }
      case Instruction::group: group(i, bases, scratch, region); break;
      case Instruction::pool:
        region.share(i.window.out_h, first, last);
        kernels_.pool(floats(bases, i.src), i.window, i.average, first, last, floats(bases, i.dst));
        break;
      case Instruction::tile:
        for (int64_t k = region.thread; k < i.n / i.block; k += region.threads) {
          std::memcpy(floats(bases, i.dst) + k * i.block, at(bases, i.src), i.block * sizeof(float));
        }
        break;
      case Instruction::grouped_conv:
        if (region.thread != 0) break;
        kernels_.grouped(floats(bases, i.src), i.window, i.groups, i.packed.data(),
                         i.packed_bias.empty() ? nullptr : i.packed_bias.data(), floats(bases, i.dst));
        break;
      case Instruction::end: break;
    }
    if (region.threads > 1) region.barrier.wait();
  }
}

void Plan::group(const Instruction& i, uint8_t* const* bases, const Scratch& scratch, const Region& region) const {
  const Window& g = i.window;
  const Packed packed = {i.packed.data(), i.packed_bias.data(), int64_t{g.k_h} * g.k_w * g.in_c, g.out_c};
  const bool dense = i.synapse && g.out_h * g.out_w == 1;
  int64_t block, last;
  region.share((i.n + i.block - 1) / i.block, block, last);
  for (; block < last; ++block) {
    const int64_t first = block * i.block, n = std::min(i.block, i.n - first);
    if (dense) {
      kernels_.synapse(scratch.lists[i.list], g, packed, 0, 1, first, n, floats(bases, i.dst, first));
    } else if (i.synapse) {
      kernels_.synapse(scratch.lists[i.list], g, packed, first / g.out_c, n / g.out_c, 0, g.out_c,
                       floats(bases, i.dst, first));
    }
    for (const Element& e : i.elements) {
      Elements elements;
      elements.n = n;
      elements.period = e.period;
      for (int k = 0; k < MAX_RESULTS; ++k) elements.dst[k] = at(bases, e.dst[k], first);
      for (int k = 0; k < e.sources; ++k) elements.src[k] = at(bases, e.src[k], first);
      kernels_.element(e.op, elements);
    }
  }
}

}  // namespace bidl
