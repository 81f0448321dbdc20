// The way back through steps that BatchNorm ties together. Threads run step by step from the last: on each strip first
// what follows the sums of this step's gradients, then what leads to those of the step before.
#include <memory>

#include "../pool/pool.h"
#include "noise_rows.h"
#include "passes.h"
#include "step_rows.h"

namespace bidl {
namespace {

/// What the threads share.
struct Shared {
  ChannelSums sums;              // of du, and of du times the normalised value
  std::vector<double> param;     // by chunk: parameters and bias, [P + 1, C]
  std::vector<double> dshift, dgamma;
  Scratch du, dx_part;           // of one step, [B, N]: small enough to stay in cache between two of them
  Shared(const Scan& c, const Grid& grid)
      : sums(grid.chunks, c.channels), param(grid.chunks * (c.params() + 1) * c.channels, 0.0),
        dshift(c.channels, 0.0), dgamma(c.channels, 0.0), du(c.batch * c.neurons),
        dx_part(c.neuron->batch.after_reads_x ? c.batch * c.neurons : 0) {}
};

/// One thread's share of the backward pass.
class Worker {
 public:
  Worker(const Scan& c, const ScanBackward& g, const Grid& grid, Shared& shared, const Region& region)
      : c_(c), g_(g), grid_(grid), shared_(shared), region_(region), pass_(c.neuron->batch),
        learns_(!g.dparam.empty()), now_(std::make_unique<Lanes>(c, period_of(c.channels), 0)),
        then_(std::make_unique<Lanes>(c, period_of(c.channels), 0)), local_(c, now_->period()),
        states_(c, grid.strip, g.dinitial), s_(c, g.s, 1), kept_(c, g.kept, c.kept()), zeros_(1, grid.strip),
        noise_(c, grid.strip, now_->period()), scale_(c.channels) {
    region.share(grid.chunks, first_chunk_, last_chunk_);
    rows_.constants = c.constants;
    local_.attach(c, rows_);
  }

  void run() {
    const std::vector<float> nothing(c_.states(), 0.0f);
    const int64_t end = c_.steps - 1;
    statistics(end, *now_);
    chunks([&](int64_t chunk) {
      grid_.strips(chunk, [&](int64_t b, int64_t first, int64_t n) {
        const Place place{region_.thread, b, end, first, n};
        rows_.dstate = states_.start(place, g_.dfinal, nothing);
        back_after(place, *now_);
      });
      end_chunk(end, chunk);
    });
    for (int64_t t = end; t >= 0; --t) {
      region_.barrier.wait();
      if (c_.norm == Norm::batch) sums_of_gradients(t);
      if (t > 0) statistics(t - 1, *then_);
      chunks([&](int64_t chunk) {
        grid_.strips(chunk, [&](int64_t b, int64_t first, int64_t n) {
          const Place place{region_.thread, b, t, first, n};
          rows_.dstate = t > 0 ? states_.at(place) : states_.last(place);
          back_before(place);
          if (t > 0) back_after({region_.thread, b, t - 1, first, n}, *then_);
        });
        end_chunk(t - 1, chunk);
      });
      std::swap(now_, then_);
    }
  }

 private:
  template <class Body>
  void chunks(Body body) {
    for (int64_t chunk = first_chunk_; chunk < last_chunk_; ++chunk) body(chunk);
  }

  void enter(const Place& place, const Lanes& lanes) {
    const int64_t cell = place.sample * c_.neurons + place.first;
    lanes.attach(rows_);
    rows_.n = place.n;
    rows_.s = s_.row(place);
    rows_.kept = kept_.rows(place);
    rows_.du = shared_.du.data() + cell;
    rows_.dx_part = shared_.dx_part.data() + (pass_.after_reads_x ? cell : 0);
    if (pass_.back_reads_x) rows_.x = const_cast<float*>(g_.x->row(place));
  }
  void back_after(const Place& place, const Lanes& lanes) {
    enter(place, lanes);
    if (c_.noise.scale > 0.0f) {
      const int64_t group = place.step * c_.noise_groups() + (c_.noise.per_sample ? place.sample : 0);
      noise_.set_spread(g_.spread + group * c_.channels);
    }
    rows_.noise = noise_.row(place);
    rows_.dout = g_.dout != nullptr ? const_cast<float*>(g_.dout->row(place)) : zeros_[0];
    pass_.back_after[learns_](rows_);
  }
  void back_before(const Place& place) {
    enter(place, *now_);
    rows_.dx = g_.dx->row(place);
    pass_.back_before[learns_](rows_);
    g_.dx->done(place);
  }
  /// Sets the sums of a chunk apart: those of du for step t, if there is one, and those of the parameters.
  void end_chunk(int64_t t, int64_t chunk) {
    const int64_t channels = c_.channels;
    if (t >= 0) {
      double* into = shared_.sums.of(t, chunk);
      std::fill_n(into, 2 * channels, 0.0);
      local_.flush(LaneSums::shift(c_), into, channels);
      local_.flush(LaneSums::scale(c_), into + channels, channels);
    }
    double* params = &shared_.param[chunk * (c_.params() + 1) * channels];
    for (int64_t q = learns_ ? 0 : LaneSums::bias(c_); q <= LaneSums::bias(c_); ++q) local_.flush(q, params + q * channels, channels);
  }

  void statistics(int64_t t, Lanes& lanes) {
    if (c_.norm != Norm::batch) return;
    const float* inv = g_.batch_inv + t * c_.channels;
    for (int64_t k = 0; k < c_.channels; ++k) scale_[k] = c_.gamma[k] * inv[k];
    lanes.set_mean(g_.batch_mean + t * c_.channels);
    lanes.set_inv(inv);
    lanes.set_scale(scale_.data());
  }
  void sums_of_gradients(int64_t t) {
    const double count = static_cast<double>(c_.batch) * static_cast<double>(c_.neurons / c_.channels);
    shared_.sums.total(t, total_);
    now_->set_means(total_.data(), total_.data() + c_.channels, count);
    if (region_.thread != 0) return;
    for (int64_t k = 0; k < c_.channels; ++k) {
      shared_.dshift[k] += total_[k];
      shared_.dgamma[k] += total_[c_.channels + k];
    }
  }

  const Scan& c_;
  const ScanBackward& g_;
  const Grid& grid_;
  Shared& shared_;
  const Region& region_;
  const BidlBatch& pass_;
  const bool learns_;
  std::unique_ptr<Lanes> now_, then_;  // of the step at hand, and of the one before it
  LaneSums local_;
  StateRows states_;
  SavedRows s_, kept_;
  Arrays zeros_;
  NoiseRows noise_;
  std::vector<float> scale_;
  std::vector<double> total_;
  int64_t first_chunk_ = 0, last_chunk_ = 0;
  BidlRows rows_{};
};

}  // namespace

void backward_steps(const Scan& c, const ScanBackward& g) {
  int64_t unit = g.dx->unit();
  if (g.x != nullptr) unit = row_length(1, {unit, g.x->unit()});
  if (g.dout != nullptr) unit = row_length(1, {unit, g.dout->unit()});
  const Grid grid(c, unit, false);
  g.dx->begin(thread_count(), grid.strip);
  if (g.x != nullptr) g.x->begin(thread_count(), grid.strip);
  if (g.dout != nullptr) g.dout->begin(thread_count(), grid.strip);
  Shared shared(c, grid);
  parallel(grid.threads(), [&](const Region& region) { Worker(c, g, grid, shared, region).run(); });
  // Sum q of every chunk, in their order.
  const auto total = [&](int64_t q, float* to) {
    if (to == nullptr) return;
    for (int64_t k = 0; k < c.channels; ++k) {
      double all = 0;
      for (int64_t chunk = 0; chunk < grid.chunks; ++chunk) {
        all += shared.param[(chunk * (c.params() + 1) + q) * c.channels + k];
      }
      to[k] = static_cast<float>(all);
    }
  };
  for (int64_t q = 0; q < static_cast<int64_t>(g.dparam.size()); ++q) total(q, g.dparam[q]);
  total(c.params(), g.dbias);
  if (g.dgamma == nullptr) return;
  for (int64_t k = 0; k < c.channels; ++k) {
    g.dgamma[k] = static_cast<float>(shared.dgamma[k]);
    g.dshift[k] = static_cast<float>(shared.dshift[k]);
  }
}

}  // namespace bidl
