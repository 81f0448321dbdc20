// Neurons that do not see each other: without BatchNorm, or with running statistics. A block of them runs through all
// steps with its state in the first-level cache; the backward pass runs it again and keeps what it needs of it.
#include <atomic>
#include <cstring>
#include <memory>

#include "../pool/pool.h"
#include "lanes.h"
#include "passes.h"

namespace bidl {
namespace {

constexpr int64_t kForwardBlock = 1024;       // neurons of a block
constexpr int64_t kKeptBytes = 2 << 20;       // what a block keeps for its way back
constexpr int64_t kTasks = 16;                // enough to share among threads
constexpr int64_t kFlush = 64;                // values summed in float before they go to a double

/// The layer's blocks, and the samples that go through them in one task.
struct Blocks {
  int64_t block, per_sample, samples, groups;
  Blocks(const Scan& c, int64_t wanted, int64_t unit) {
    const int64_t whole = c.channels <= wanted ? c.channels : 1;
    block = row_length(std::min(wanted, c.neurons), {unit, whole});
    per_sample = (c.neurons + block - 1) / block;
    samples = std::max<int64_t>(1, c.batch * per_sample / std::max(kTasks, per_sample));
    groups = (c.batch + samples - 1) / samples;
  }
  int64_t tasks() const { return per_sample * groups; }
};

/// Lanes for one block after another. Blocks that begin at the same channel share them, which with the usual channel
/// counts is all of them: they are written out once.
class LanesOfBlocks {
 public:
  LanesOfBlocks(const Scan& c, const Blocks& blocks)
      : c_(c), period_(blocks.block % c.channels == 0 ? std::min(blocks.block, period_of(c.channels)) : blocks.block) {}
  int64_t period() const { return period_; }
  const Lanes& at(int64_t first) {
    const int64_t phase = first % c_.channels;
    if (lanes_ == nullptr || phase != lanes_->phase()) lanes_ = std::make_unique<Lanes>(c_, period_, phase);
    return *lanes_;
  }

 private:
  const Scan& c_;
  int64_t period_;
  std::unique_ptr<Lanes> lanes_;
};

/// States of a block, at their values before the first step.
void begin(const Scan& c, const Arrays& state, int64_t cell, int64_t n) {
  for (int64_t k = 0; k < c.states(); ++k) {
    if (c.initial[k] != nullptr) std::copy_n(c.initial[k] + cell, n, state[k]);
    else std::fill_n(state[k], n, c.initial_value[k]);
  }
}

const BidlIndependent& passes(const Scan& c) { return c.norm == Norm::running ? c.neuron->running : c.neuron->plain; }

}  // namespace

void forward_blocks(const Scan& c, const ScanForward& f) {
  const Blocks blocks(c, kForwardBlock, row_length(1, {f.x->unit(), f.out->unit()}));
  const BidlPass step = passes(c).step;
  f.x->begin(thread_count(), blocks.block);
  f.out->begin(thread_count(), blocks.block);
  std::atomic<int64_t> next{0};
  parallel(std::min(blocks.tasks(), c.per_sequence() / 8192 + 1), [&](const Region& region) {
    LanesOfBlocks lanes(c, blocks);
    const Arrays state(c.states(), blocks.block);
    BidlRows rows{};
    rows.constants = c.constants;
    rows.state = state.pointers();
    for (int64_t task; (task = next.fetch_add(1)) < blocks.tasks();) {
      const int64_t first = task / blocks.groups * blocks.block, from = task % blocks.groups * blocks.samples;
      rows.n = std::min(blocks.block, c.neurons - first);
      lanes.at(first).attach(rows);
      for (int64_t b = from; b < std::min(from + blocks.samples, c.batch); ++b) {
        const int64_t cell = b * c.neurons + first;
        begin(c, state, cell, rows.n);
        for (int64_t t = 0; t < c.steps; ++t) {
          const Place place{region.thread, b, t, first, rows.n};
          rows.x = const_cast<float*>(f.x->row(place));
          rows.out = f.out->row(place);
          step(rows);
          f.out->done(place);
        }
        for (int64_t k = 0; k < c.states(); ++k) std::copy_n(state[k], rows.n, f.final_state[k] + cell);
      }
    }
  });
}

void backward_blocks(const Scan& c, const ScanBackward& g) {
  const BidlIndependent& pass = passes(c);
  const int64_t kept = std::max(1, pass.kept);
  const int64_t unit = row_length(1, {g.x->unit(), g.dx->unit(), g.dout != nullptr ? g.dout->unit() : 1});
  const int64_t fitting = kKeptBytes / (static_cast<int64_t>(sizeof(float)) * kept * std::max<int64_t>(c.steps, 1));
  const Blocks blocks(c, std::clamp<int64_t>(fitting / 64 * 64, 64, kForwardBlock), unit);
  const bool learns = !g.dparam.empty();
  g.x->begin(thread_count(), blocks.block);
  g.dx->begin(thread_count(), blocks.block);
  if (g.dout != nullptr) g.dout->begin(thread_count(), blocks.block);
  // Sums of every task by channel, for as many channels as its block has.
  const int64_t width = std::min(blocks.block, c.channels);
  const int64_t quantities = c.params() + 3;
  std::vector<int64_t> wanted;
  for (int64_t q = 0; learns && q < c.params(); ++q) wanted.push_back(q);
  if (g.dbias != nullptr) wanted.push_back(LaneSums::bias(c));
  if (g.dgamma != nullptr) wanted.insert(wanted.end(), {LaneSums::shift(c), LaneSums::scale(c)});
  std::vector<double> sums(blocks.tasks() * quantities * width, 0.0);
  std::atomic<int64_t> next{0};
  parallel(std::min(blocks.tasks(), c.per_sequence() / 8192 + 1), [&](const Region& region) {
    LanesOfBlocks lanes(c, blocks);
    const Arrays state(c.states(), blocks.block), dstate(c.states(), blocks.block), zeros(1, blocks.block);
    const Arrays keep(pass.kept * c.steps, blocks.block, Arrays::kAnything);
    LaneSums local(c, lanes.period());
    BidlRows rows{};
    rows.constants = c.constants;
    rows.state = state.pointers();
    rows.dstate = dstate.pointers();
    local.attach(c, rows);
    for (int64_t task; (task = next.fetch_add(1)) < blocks.tasks();) {
      const int64_t first = task / blocks.groups * blocks.block, from = task % blocks.groups * blocks.samples;
      double* into = &sums[task * quantities * width];
      rows.n = std::min(blocks.block, c.neurons - first);
      lanes.at(first).attach(rows);
      const int64_t steps_per_flush = std::max<int64_t>(1, kFlush * rows.period / rows.n);
      for (int64_t b = from; b < std::min(from + blocks.samples, c.batch); ++b) {
        const int64_t cell = b * c.neurons + first;
        begin(c, state, cell, rows.n);
        const auto enter = [&](int64_t t) {
          rows.kept = keep.pointers() + t * pass.kept;
          return Place{region.thread, b, t, first, rows.n};
        };
        for (int64_t t = 0; t < c.steps; ++t) {
          rows.x = const_cast<float*>(g.x->row(enter(t)));
          pass.remember(rows);
        }
        for (int64_t k = 0; k < c.states(); ++k) {
          if (g.dfinal[k] != nullptr) std::copy_n(g.dfinal[k] + cell, rows.n, dstate[k]);
          else std::fill_n(dstate[k], rows.n, 0.0f);
        }
        for (int64_t t = c.steps - 1; t >= 0; --t) {
          const Place place = enter(t);
          if (pass.back_reads_x) rows.x = const_cast<float*>(g.x->row(place));
          rows.dout = g.dout != nullptr ? const_cast<float*>(g.dout->row(place)) : zeros[0];
          rows.dx = g.dx->row(place);
          pass.back[learns](rows);
          g.dx->done(place);
          if (t % steps_per_flush != 0) continue;
          for (int64_t q : wanted) local.flush(q, into + q * width, width);
        }
        for (int64_t k = 0; k < c.states(); ++k) std::copy_n(dstate[k], rows.n, g.dinitial[k] + cell);
      }
    }
  });
  // All tasks' sums of quantity q, in their order.
  std::vector<double> all(c.channels);
  const auto total = [&](int64_t q, float* to) {
    std::fill(all.begin(), all.end(), 0.0);
    for (int64_t task = 0; task < blocks.tasks(); ++task) {
      int64_t k = task / blocks.groups * blocks.block % c.channels;
      const double* from = &sums[(task * quantities + q) * width];
      for (int64_t i = 0; i < width; ++i) {
        all[k] += from[i];
        if (++k == c.channels) k = 0;
      }
    }
    for (int64_t k = 0; k < c.channels; ++k) to[k] = static_cast<float>(all[k]);
  };
  for (size_t q = 0; q < g.dparam.size(); ++q) total(static_cast<int64_t>(q), g.dparam[q]);
  if (g.dbias != nullptr) total(LaneSums::bias(c), g.dbias);
  if (g.dgamma == nullptr) return;
  total(LaneSums::shift(c), g.dshift);
  total(LaneSums::scale(c), g.dgamma);
  for (int64_t k = 0; k < c.channels; ++k) g.dgamma[k] /= std::sqrt(c.variance[k] + c.epsilon);
}

}  // namespace bidl
