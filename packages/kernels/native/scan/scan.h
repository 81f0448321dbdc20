// A layer of neurons over a whole sequence, forward and backward, for any emitted neuron (neuron.h). Two ways through
// memory: blocks.cc where neurons are independent, steps.cc where every step needs sums over the whole layer. No sum
// depends on the number of threads or on the instruction set.
#pragma once
#include <cstdint>
#include <vector>

#include "neuron.h"
#include "rows.h"

namespace bidl {

/// One scalar (stride 0) or one value per channel (stride 1).
struct PerChannel {
  const float* data;
  int stride;
  float at(int64_t channel) const { return data[channel * stride]; }
};

enum class Norm { none, running, batch };

/// Normal numbers added to the normalised value, in units of its own standard deviation over the pixels of each sample
/// and channel (`per_sample`), or over the whole step.
struct Noise {
  float scale = 0.0f;  // 0: none
  uint32_t seed = 0;
  bool per_sample = true;
};

/// What forward and backward share: a layer of batch·neurons neurons, channels last inside a sample, over some steps.
struct Scan {
  const BidlNeuron* neuron;
  int64_t batch, steps, neurons, channels;
  const float* constants;               // the neuron's numbers
  std::vector<PerChannel> param;        // by the neuron's parameters
  std::vector<const float*> initial;    // states before the first step, [B, N] each; null: the value below
  std::vector<float> initial_value;
  const float* bias;                    // added to the input, [C]; null means 0
  Norm norm;
  const float *gamma, *shift, *mean, *variance;  // [C] each; the last two are running statistics
  float epsilon, momentum;
  Noise noise;

  int64_t states() const { return neuron->states; }
  int64_t params() const { return neuron->params; }
  /// Whether the layer goes step by step; otherwise neuron by neuron.
  bool by_steps() const { return norm == Norm::batch || noise.scale > 0.0f; }
  /// Rows that the forward pass keeps for the backward pass, beside s: only step by step.
  int64_t kept() const { return by_steps() ? neuron->batch.kept : 0; }
  /// Groups of neurons that noise takes its spread over.
  int64_t noise_groups() const { return noise.scale == 0.0f ? 0 : noise.per_sample ? batch : 1; }
  /// Whether the backward pass reads the input.
  bool back_needs_x() const { return !by_steps() || neuron->batch.back_reads_x; }
  int64_t per_sequence() const { return batch * steps * neurons; }
};

struct ScanForward {
  Source* x;
  Sink* out;
  std::vector<float*> final_state;                // [B, N] each
  float *s, *kept;                                // [B, T, N], and [kept, B, T, N]; step by step only
  float *batch_mean, *batch_inv;                  // [T, C]; batch statistics only
  float* spread;                                  // of the noise, [T, noise_groups(), C]; with noise only
  float *running_mean, *running_variance;         // advanced statistics, [C]; in: the old ones
};

struct ScanBackward {
  Source* x;                           // null where it isn't needed
  Source* dout;                        // null means 0
  std::vector<const float*> dfinal;    // [B, N] each; null means 0
  const float *s, *kept, *batch_mean, *batch_inv, *spread;
  Sink* dx;
  std::vector<float*> dinitial;        // [B, N] each
  std::vector<float*> dparam;          // [C] each; empty when not wanted
  float *dbias, *dgamma, *dshift;      // [C] each; null when not wanted
};

/// Runs a layer. Sources and sinks are asked from all threads at once.
void scan_forward(const Scan&, const ScanForward&);
void scan_backward(const Scan&, const ScanBackward&);

}  // namespace bidl
