// BatchNorm over [outer, groups, inner, channels]: every group has statistics of its own, channel by channel.
#pragma once
#include <cstdint>

namespace bidl {

struct NormShape {
  int64_t outer, groups, inner, channels;
  /// Values of a channel in a group.
  int64_t rows() const { return outer * inner; }
};

/// Normalises x + bias. Statistics are [3, groups, channels]: the mean of x alone, what its rounding left of it, and
/// 1 / sqrt(variance + epsilon).
/// Sums are taken around a value of the channel, few terms in float32 and the rest in double, in pieces of a fixed size:
/// they don't depend on the number of threads.
struct NormForward {
  NormShape shape;
  float epsilon, momentum;
  const float *x, *bias, *gamma, *beta;  // all but x are [channels]
  const float *mean, *variance;          // the running ones, [channels]
  float *y, *statistics;
  /// The running ones advanced, once for each group in order, with the unbiased variance; null: `mean` and
  /// `variance` normalise, and there is one group.
  float *next_mean, *next_variance;
};

struct NormBackward {
  NormShape shape;
  /// Whether the statistics were the batch's own, through which x has a gradient too.
  bool batch;
  const float *x, *dy, *gamma, *statistics;
  float *dx, *dgamma, *dbeta, *dbias;
};

}  // namespace bidl
