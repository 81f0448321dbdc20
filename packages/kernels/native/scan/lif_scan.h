// The LIF neuron over a whole sequence, forward and backward, in one pass over memory.
// Equations: packages/dynamics/src/neurons/lif.ts, which is the reference for every number here.
#pragma once
#include <cstdint>

namespace bidl {

enum Tap { kSpike = -1, kAfterInput = 0, kOverThreshold = 1, kAfterReset = 2, kAfterLeak = 3 };
enum Activation { kIdentity = 0, kRelu = 1, kSigmoid = 2, kTanh = 3 };
enum Slope { kRectangle = 0, kNone = 1, kArctan = 2, kFastSigmoid = 3, kSigmoidSlope = 4 };

/// One scalar (stride 0) or one value per channel (stride 1).
struct PerChannel {
  const float* data;
  int stride;
  float at(int64_t channel) const { return data[channel * stride]; }
};

/// A layer of B·N neurons, channels last inside N, over T steps. x and out lie as [B, T, N] when batch_stride
/// is T·N and time_stride is N; other strides fit other layouts.
struct LifScan {
  int64_t batch, steps, neurons, channels;
  int64_t batch_stride, time_stride;
  int tap, activation;
  int slope;           // surrogate derivative
  float threshold;     // of the surrogate: fires where u - theta > threshold
  float slope_arg;     // region (rectangle), alpha (arctan), slope (others)
  PerChannel alpha, beta, theta, v0;
  const float* bias;                 // added to x, [C]; null means 0
  bool norm, training;  // BatchNorm on u = x + bias + v; batch statistics of every step when training
  float epsilon, momentum;
  const float *gamma, *shift;        // [C]
  const float *mean, *variance;      // running statistics, [C]
  const float* initial;              // membrane before the first step, [B, N]; null means 0
};

struct LifForward {
  const float* x;
  float* out;
  float* final_state;             // [B, N]
  float* saved;                   // x + bias + v of every step, laid out like x; only when norm && training
  float *batch_mean, *batch_inv;  // [T, C]; only when norm && training
  float *running_mean, *running_variance;  // advanced statistics, [C]; only when norm && training
};

struct LifBackward {
  const float* x;
  const float* dout;    // null means 0
  const float* dfinal;  // [B, N]; null means 0
  const float* saved;
  const float *batch_mean, *batch_inv;
  float* dx;
  float* dinitial;                         // [B, N]
  float *dalpha, *dbeta, *dtheta, *dv0;    // [C] each; null when not wanted
  float *dgamma, *dshift;                  // [C] each; null without norm
  float* dbias;                            // [C]; null without bias
};

}  // namespace bidl
