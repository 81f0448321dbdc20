// Rows of training noise, and how far they spread.
#pragma once
#include "../cpu/kernels.h"
#include "lanes.h"

namespace bidl {

/// One thread's row of noise at a time; zeros where the scan has none.
class NoiseRows {
 public:
  NoiseRows(const Scan& c, int64_t longest, int64_t period)
      : c_(c), period_(period), row_(1, longest), spread_(c.noise.scale > 0.0f ? 1 : 0, period) {}
  /// @param by_channel standard deviation of the noise
  void set_spread(const float* by_channel) {
    for (int64_t i = 0, k = 0; i < period_; ++i) {
      spread_[0][i] = by_channel[k];
      if (++k == c_.channels) k = 0;
    }
  }
  float* row(const Place& p) const {
    if (c_.noise.scale > 0.0f) {
      kernels().noise_row({noise_key(c_.noise.seed, p.step, p.sample), p.first, p.n, period_, spread_[0]}, row_[0]);
    }
    return row_[0];
  }

 private:
  const Scan& c_;
  int64_t period_;
  Arrays row_, spread_;
};

/// Standard deviations of the noise on values (s - mean)·scale + shift, by channel, from the sums of s and of its square
/// over the pixels of one sample, [2, C].
inline std::vector<float> spread_by_channel(const Scan& c, const std::vector<double>& sums, const std::vector<float>& scale) {
  const double count = static_cast<double>(c.neurons / c.channels);
  std::vector<float> spread(c.channels);
  for (int64_t k = 0; k < c.channels; ++k) {
    const double mean = sums[k] / count;
    const double variance = std::max(0.0, sums[c.channels + k] / count - mean * mean) * count / std::max(1.0, count - 1);
    spread[k] = static_cast<float>(c.noise.scale * std::sqrt(variance) * std::fabs(scale[k]));
  }
  return spread;
}

/// The same for all channels alike, from the sums over a whole step. The sums of s are around the mean of every channel
/// where there is a BatchNorm.
inline std::vector<float> spread_of_all(const Scan& c, const std::vector<double>& sums, const std::vector<float>& scale) {
  const double per_channel = static_cast<double>(c.batch) * static_cast<double>(c.neurons / c.channels);
  const double count = static_cast<double>(c.batch) * static_cast<double>(c.neurons);
  double first = 0, second = 0;
  for (int64_t k = 0; k < c.channels; ++k) {
    const double d = sums[k] / per_channel;
    const double variance = std::max(0.0, sums[c.channels + k] / per_channel - d * d) * scale[k] * scale[k];
    const double mean = c.norm == Norm::batch ? c.shift[k] : d;  // of the normalised value
    first += mean;
    second += variance + mean * mean;
  }
  const double mean = first / static_cast<double>(c.channels);
  const double variance = std::max(0.0, second / static_cast<double>(c.channels) - mean * mean) * count / std::max(1.0, count - 1);
  return std::vector<float>(c.channels, static_cast<float>(c.noise.scale * std::sqrt(variance)));
}

}  // namespace bidl
