// A layer's parameters written out over the lanes of a row, and sums over rows by lane.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "../cpu/aligned.h"
#include "scan.h"

namespace bidl {

/// Several arrays of one length, each padded to whole vectors of the widest kind.
class Arrays {
 public:
  enum Content { kZeros, kAnything };
  Arrays(int64_t count, int64_t length, Content content = kZeros)
      : stride_((length + 15) / 16 * 16), data_(std::max<int64_t>(count * stride_, 1)) {
    if (content == kZeros) std::fill_n(data_.data(), count * stride_, 0.0f);
    for (int64_t k = 0; k < count; ++k) pointers_.push_back(data_.data() + k * stride_);
  }
  float* operator[](int64_t k) const { return pointers_[k]; }
  float* const* pointers() const { return pointers_.data(); }

 private:
  int64_t stride_;
  Scratch data_;
  std::vector<float*> pointers_;
};

/// The parameters for `period` neurons, the first of which belongs to channel `phase`.
class Lanes {
 public:
  Lanes(const Scan& c, int64_t period, int64_t phase)
      : channels_(c.channels), period_(period), phase_(phase), params_(c.params()), arrays_(params_ + 7, period) {
    for (int64_t q = 0; q < params_; ++q) fill(q, [&](int64_t k) { return c.param[q].at(k); });
    if (c.bias != nullptr) fill(bias(), [&](int64_t k) { return c.bias[k]; });
    if (c.norm == Norm::none) fill(scale(), [](int64_t) { return 1.0f; });
    else fill(shift(), [&](int64_t k) { return c.shift[k]; });
    if (c.norm == Norm::running) {
      fill(mean(), [&](int64_t k) { return c.mean[k]; });
      fill(scale(), [&](int64_t k) { return c.gamma[k] / std::sqrt(c.variance[k] + c.epsilon); });
    }
  }
  void set_mean(const float* by_channel) { fill(mean(), [=](int64_t k) { return by_channel[k]; }); }
  void set_scale(const float* by_channel) { fill(scale(), [=](int64_t k) { return by_channel[k]; }); }
  void set_inv(const float* by_channel) { fill(inv(), [=](int64_t k) { return by_channel[k]; }); }
  void set_means(const double* du, const double* dot, double count) {
    fill(mean_du(), [=](int64_t k) { return static_cast<float>(du[k] / count); });
    fill(mean_dot(), [=](int64_t k) { return static_cast<float>(dot[k] / count); });
  }
  /// Lets a pass read them.
  void attach(BidlRows& rows) const {
    rows.period = period_;
    rows.param = arrays_.pointers();
    rows.bias = arrays_[bias()];
    rows.mean = arrays_[mean()];
    rows.scale = arrays_[scale()];
    rows.shift = arrays_[shift()];
    rows.inv = arrays_[inv()];
    rows.mean_du = arrays_[mean_du()];
    rows.mean_dot = arrays_[mean_dot()];
  }
  int64_t phase() const { return phase_; }
  int64_t period() const { return period_; }

 private:
  template <class F>
  void fill(int64_t array, F f) {
    for (int64_t i = 0, k = phase_; i < period_; ++i) {
      arrays_[array][i] = f(k);
      if (++k == channels_) k = 0;
    }
  }
  int64_t bias() const { return params_; }
  int64_t mean() const { return params_ + 1; }
  int64_t scale() const { return params_ + 2; }
  int64_t shift() const { return params_ + 3; }
  int64_t inv() const { return params_ + 4; }
  int64_t mean_du() const { return params_ + 5; }
  int64_t mean_dot() const { return params_ + 6; }

  int64_t channels_, period_, phase_, params_;
  Arrays arrays_;
};

/// Sums by lane in float, moved to doubles by channel before they grow long: parameters, then bias, shift and scale.
class LaneSums {
 public:
  LaneSums(const Scan& c, int64_t period) : period_(period), arrays_(c.params() + 3, period) {}
  static int64_t bias(const Scan& c) { return c.params(); }
  static int64_t shift(const Scan& c) { return c.params() + 1; }
  static int64_t scale(const Scan& c) { return c.params() + 2; }
  void attach(const Scan& c, BidlRows& rows) const {
    rows.sum_param = arrays_.pointers();
    rows.sum_bias = arrays_[bias(c)];
    rows.sum_shift = arrays_[shift(c)];
    rows.sum_scale = arrays_[scale(c)];
  }
  /// Adds sum `q` to `into`, which has one value for each of `width` neighbouring channels, and starts it anew.
  void flush(int64_t q, double* into, int64_t width) {
    float* sums = arrays_[q];
    for (int64_t i = 0, k = 0; i < period_; ++i) {
      into[k] += sums[i];
      sums[i] = 0.0f;
      if (++k == width) k = 0;
    }
  }

 private:
  int64_t period_;
  Arrays arrays_;
};

/// How many neurons lanes are written out for: whole pixels, enough of them to fill vectors.
inline int64_t period_of(int64_t channels) {
  int64_t period = channels;
  while (period < 192 || (period % 16 != 0 && period < 1024)) period += channels;
  return period;
}

/// One row's worth of floats for every thread.
class RowBuffers {
 public:
  void resize(int threads, int64_t length) {
    buffers_.clear();
    for (int i = 0; i < threads; ++i) buffers_.emplace_back(length);
  }
  float* of(int thread) const { return buffers_[thread].data(); }

 private:
  std::vector<Scratch> buffers_;
};

}  // namespace bidl
