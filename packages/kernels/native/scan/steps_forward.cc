// Neurons whose step needs sums over the whole layer: BatchNorm with the statistics of every step. Threads run step by
// step, one pass over the layer and one barrier a step: on each strip first what follows the sums of this step, then
// what leads to those of the next one.
#include "../pool/pool.h"
#include "noise_rows.h"
#include "passes.h"
#include "step_rows.h"

namespace bidl {
namespace {

/// One thread's share of the forward pass.
class Worker {
 public:
  Worker(const Scan& c, const ScanForward& f, const Grid& grid, ChannelSums& sums, const Region& region)
      : c_(c), f_(f), grid_(grid), sums_(sums), region_(region), pass_(c.neuron->batch),
        lanes_(c, period_of(c.channels), 0), local_(c, lanes_.period()), states_(c, grid.strip, f.final_state),
        s_(c, f.s, 1), kept_(c, f.kept, c.kept()), noise_(c, grid.strip, lanes_.period()), pivot_(c.channels, 0.0f),
        scale_(c.channels, 1.0f) {
    region.share(grid.chunks, first_chunk_, last_chunk_);
    rows_.constants = c.constants;
    lanes_.attach(rows_);
    local_.attach(c, rows_);
  }

  void run() {
    // Sums are taken around a pivot near the mean, so that their squares do not cancel: at first the layer's first
    // values, later the mean of the step before.
    if (c_.norm == Norm::batch) {
      const float* x = f_.x->row({region_.thread, 0, 0, 0, std::min(grid_.strip, c_.neurons)});
      for (int64_t k = 0; k < c_.channels; ++k) pivot_[k] = x[k] + (c_.bias != nullptr ? c_.bias[k] : 0.0f);
      lanes_.set_mean(pivot_.data());
    }
    chunks([&](int64_t chunk) {
      grid_.strips(chunk, [&](int64_t b, int64_t first, int64_t n) {
        const Place place{region_.thread, b, 0, first, n};
        rows_.state = states_.start(place, c_.initial, c_.initial_value);
        before(place);
      });
      end_chunk(0, chunk);
    });
    for (int64_t t = 0; t < c_.steps; ++t) {
      region_.barrier.wait();
      if (c_.norm == Norm::batch) statistics(t);
      const bool last = t + 1 == c_.steps;
      chunks([&](int64_t chunk) {
        if (c_.noise.scale > 0.0f) spread(t, chunk);
        grid_.strips(chunk, [&](int64_t b, int64_t first, int64_t n) {
          const Place place{region_.thread, b, t, first, n};
          rows_.state = last ? states_.last(place) : states_.at(place);
          after(place);
          if (!last) before({region_.thread, b, t + 1, first, n});
        });
        if (!last) end_chunk(t + 1, chunk);
      });
    }
  }

 private:
  template <class Body>
  void chunks(Body body) {
    for (int64_t chunk = first_chunk_; chunk < last_chunk_; ++chunk) body(chunk);
  }

  void enter(const Place& place) {
    rows_.n = place.n;
    rows_.s = s_.row(place);
    rows_.kept = kept_.rows(place);
  }
  void before(const Place& place) {
    enter(place);
    rows_.x = const_cast<float*>(f_.x->row(place));
    pass_.before(rows_);
  }
  void after(const Place& place) {
    enter(place);
    if (pass_.after_reads_x) rows_.x = const_cast<float*>(f_.x->row(place));
    rows_.noise = noise_.row(place);
    rows_.out = f_.out->row(place);
    pass_.after(rows_);
    f_.out->done(place);
  }
  void end_chunk(int64_t t, int64_t chunk) {
    double* into = sums_.of(t, chunk);
    std::fill_n(into, 2 * c_.channels, 0.0);
    local_.flush(LaneSums::shift(c_), into, c_.channels);
    local_.flush(LaneSums::scale(c_), into + c_.channels, c_.channels);
  }

  /// The statistics of step t, from the sums around the pivot; its mean is the next pivot.
  void statistics(int64_t t) {
    const double count = static_cast<double>(c_.batch) * static_cast<double>(c_.neurons / c_.channels);
    sums_.total(t, total_);
    for (int64_t k = 0; k < c_.channels; ++k) {
      const double d = total_[k] / count;
      const double variance = std::max(0.0, total_[c_.channels + k] / count - d * d);
      const float mean = static_cast<float>(pivot_[k] + d);
      const float inv = static_cast<float>(1.0 / std::sqrt(variance + c_.epsilon));
      pivot_[k] = mean;
      scale_[k] = c_.gamma[k] * inv;
      if (region_.thread != 0) continue;
      f_.batch_mean[t * c_.channels + k] = mean;
      f_.batch_inv[t * c_.channels + k] = inv;
      const double unbiased = count > 1 ? variance * count / (count - 1) : variance;
      f_.running_mean[k] += c_.momentum * (mean - f_.running_mean[k]);
      f_.running_variance[k] += c_.momentum * (static_cast<float>(unbiased) - f_.running_variance[k]);
    }
    lanes_.set_mean(pivot_.data());
    lanes_.set_scale(scale_.data());
  }

  /// How far the noise of this chunk's sample spreads: from the sums over the sample, or over the whole step.
  void spread(int64_t t, int64_t chunk) {
    const int64_t sample = c_.noise.per_sample ? grid_.sample_of(chunk) : 0;
    const int64_t begin = c_.noise.per_sample ? grid_.first_chunk(sample) : 0;
    const int64_t end = c_.noise.per_sample ? grid_.first_chunk(sample + 1) : grid_.chunks;
    if (chunk == first_chunk_ || chunk == begin) {
      sums_.total(t, begin, end, total_);
      spread_ = c_.noise.per_sample ? spread_by_channel(c_, total_, scale_) : spread_of_all(c_, total_, scale_);
      noise_.set_spread(spread_.data());
    }
    if (chunk == begin) std::copy_n(spread_.data(), c_.channels, f_.spread + (t * c_.noise_groups() + sample) * c_.channels);
  }

  const Scan& c_;
  const ScanForward& f_;
  const Grid& grid_;
  ChannelSums& sums_;
  const Region& region_;
  const BidlBatch& pass_;
  Lanes lanes_;
  LaneSums local_;
  StateRows states_;
  SavedRows s_, kept_;
  NoiseRows noise_;
  std::vector<float> pivot_, scale_, spread_;
  std::vector<double> total_;
  int64_t first_chunk_ = 0, last_chunk_ = 0;
  BidlRows rows_{};
};

}  // namespace

void forward_steps(const Scan& c, const ScanForward& f) {
  const Grid grid(c, row_length(1, {f.x->unit(), f.out->unit()}), c.noise.scale > 0.0f && c.noise.per_sample);
  f.x->begin(thread_count(), grid.strip);
  f.out->begin(thread_count(), grid.strip);
  ChannelSums sums(grid.chunks, c.channels);
  parallel(grid.threads(), [&](const Region& region) { Worker(c, f, grid, sums, region).run(); });
}

}  // namespace bidl
