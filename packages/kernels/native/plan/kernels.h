// What a plan computes with: the kernels of one instruction set, and the choice among them.
#pragma once
#include <cstdint>

#include "lists.h"
#include "program.h"
#include "spike_work.h"

namespace bidl {

/// Weights in the order in which they are read: columns (output channels) in panels of PANEL, the last one filled up with
/// zeros; each panel row by row (ky, kx, ci), the channels of a tap filled up to whole fours.
constexpr int64_t PANEL = 16;
struct Packed {
  const float* weights;
  const float* bias;
  int64_t rows;
  const float* panel(int64_t column) const { return weights + column * rows; }
};

/// A block of sums behind a synapse: some rows of output pixels, one or two panels of columns, several steps.
struct Sums {
  const Window* window;
  Packed packed;
  int64_t row, rows;
  int64_t column, panels;  // the first column, a multiple of PANEL; of spikes only one
  int64_t steps;
  float* sums;             // [steps, rows, width, panels * PANEL]
};
constexpr int64_t LIST_PANELS = 2;  // that a list takes at a time, at most
constexpr int64_t PIECE = 48;       // fours of a piece of the kernel whose combinations are made together

/// Pointers into one block; a pixel's numbers lie side by side. `step` is the way to the next pixel in bytes; `moves` is
/// 0 for an operand that is the same in every column, else -1.
struct Elements {
  void* dst[MAX_RESULTS];
  const void* src[MAX_SOURCES];
  int64_t dst_step[MAX_RESULTS], src_step[MAX_SOURCES], moves[MAX_SOURCES];
  int64_t pixels, columns;
};

/// A whole layer of spiking neurons behind its sums: u = x + v, spike = u > theta, v = alpha * (spike ? v0 : u) + beta.
/// A spike anywhere in a pooling window counts as one of it.
struct Fire {
  const float* sums;
  float* state;
  int64_t sums_step, state_step;  // floats from pixel to pixel
  const float *theta, *v0, *alpha, *beta;
  int64_t moves[4];               // of the four: as in Elements
  int64_t rows, width, columns;   // columns in whole panels
  int64_t pool_h, pool_w;
  uint8_t* spikes;
  int64_t spikes_row, spikes_step;  // fours from row to row, from pixel to pixel
};

/// Numbers of an image: floats from pixel to pixel.
struct Image {
  const float* data;
  int64_t step;
};

struct PlanKernels {
  const char* isa;
  /// Notes the non-zero elements of rows [first, last).
  void (*find)(const void* src, Format, const NonZeros&, int64_t first, int64_t last);
  /// Sums over the inputs of each step.
  void (*sums_of_list)(const Sums&, const NonZeros*);
  /// What is the same for every panel; then, panel by panel, the sums.
  void (*prepare_spikes)(const Sums&, const Fours*, SpikeWork&);
  void (*sums_of_spikes)(const Sums&, SpikeWork&);
  void (*element)(Op, const Elements&);
  void (*fire)(const Fire&);
  /// Notes numbers that are not zero as spikes.
  void (*note)(const Image&, int64_t rows, int64_t width, int64_t columns, uint8_t* spikes, int64_t row, int64_t step);
  /// Output rows [first, last) of `columns` channels.
  void (*pool)(const Image&, const Window&, int64_t columns, bool average, int64_t first, int64_t last, float* dst,
               int64_t dst_step);
  /// Output rows [first, last) of a convolution in groups; kernel [kh, kw, in / groups, out] as it comes.
  void (*grouped)(const float* src, const Window&, int groups, const float* kernel, const float* bias, int64_t first,
                  int64_t last, float* dst);
};

const PlanKernels& plan_kernels();

}  // namespace bidl
