// What an emitted neuron is to the scan: functions over rows of neurons, in tables of plain C. `@bidl/dynamics` emits
// the functions and the tables from a neuron's equations; how layers are cut into rows, and what runs when and on
// which thread, is written once, in this folder.
#pragma once
#include <cstdint>

namespace bidl {

/// Changes whenever a structure of this file does.
#define BIDL_NEURON_ABI 1

/// One step of n neurons that lie side by side, channels last. Rows hold one value for each neuron; lanes hold the
/// parameters of the channels, written out over `period` neurons (whole pixels) and used again for the next ones. A
/// pass reads and writes the fields that its table says; the others may be null. Lanes and sums are padded to 16
/// floats, so that whole vectors of them can be read.
struct BidlRows {
  int64_t n, period;
  const float* constants;  // the numbers of the definition
  float* x;                // the synapse's output, without its bias
  float* out;
  float* s;                // what BatchNorm normalises
  float* noise;            // added to the normalised value
  float* const* state;     // in: before the step, out: after it
  float* const* kept;      // for the backward pass
  float* dout;             // gradients of the loss
  float* dx;
  float* dx_part;          // the part of dx that does not go through BatchNorm
  float* du;               // of the normalised value
  float* const* dstate;    // in: of the state after the step, out: of the state before it
  float* const* param;     // lanes, as all that follow
  float *bias, *mean, *scale, *shift;
  float* inv;                // 1/σ
  float *mean_du, *mean_dot;  // means over the layer of du, and of du times the normalised value
  float* const* sum_param;    // sums over the neurons of each lane, added to
  float *sum_bias, *sum_scale, *sum_shift;
};

typedef void (*BidlPass)(const BidlRows&);

/// Neurons that do not see each other: no BatchNorm, or running statistics.
struct BidlIndependent {
  BidlPass step;      // x, state -> out, state
  BidlPass remember;  // x, state -> kept, state
  BidlPass back[2];   // kept, x, dout, dstate -> dx, dstate, sums; [1]: sums for the neuron's parameters too
  int32_t kept;       // rows of `kept`
  bool back_reads_x;
};

/// A step cut in two at its BatchNorm, whose statistics go over the whole layer.
struct BidlBatch {
  BidlPass before;          // x, state -> s, kept; sums of s - mean and of its square into shift and scale
  BidlPass after;           // s, noise, state, x -> out, kept, state
  BidlPass back_after[2];   // s, noise, kept, x, dout, dstate -> du, dx_part, dstate, sums
  BidlPass back_before[2];  // s, kept, x, du, dx_part, dstate -> dx, dstate, sums
  int32_t kept;
  int32_t carried;  // bit k: `after` reads state k, so it outlives the barrier, and so does dstate k
  bool after_reads_x;
  bool back_reads_x;
};

struct BidlNeuron {
  int32_t abi;
  int32_t states, params, constants;
  bool has_norm, has_noise;
  BidlIndependent plain, running;  // running: null functions without norm
  BidlBatch batch;                 // null functions without norm and noise
};

/// An entry of an emitted library, which exports `extern "C" const BidlNeuronEntry* bidl_neurons(int* count)`.
struct BidlNeuronEntry {
  const char* name;  // hash of the source
  const BidlNeuron* neuron;
};

}  // namespace bidl
