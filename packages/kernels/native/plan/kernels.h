// What a plan computes with: the kernels of one instruction set, and the choice among them.
#pragma once
#include <cstdint>

#include "program.h"

namespace bidl {

/// The non-zero inputs of a synapse in raster order. Pixel p owns entries [start[p], start[p + 1]); `index` is the
/// element within its row of the image (column * channels + channel). `ones`: every entry is exactly 1.
struct NonZeros {
  int32_t* index;
  float* value;
  int32_t* start;
  bool ones;
};

/// Weights in the order in which they are read: columns (output channels) in panels of `panel` floats, each panel
/// row by row (ky, kx, ci). The last panel has whole vectors only as far as there are columns.
struct Packed {
  const float* weights;
  const float* bias;
  int64_t rows, columns;
};

/// Pointers into one block of `n` elements.
struct Elements {
  void* dst[MAX_RESULTS];
  const void* src[MAX_SOURCES];
  int64_t n;
};

struct PlanKernels {
  const char* isa;
  int64_t vector, panel;  // floats in a vector, and in a panel
  void (*list)(const void* src, Format, const ListShape&, NonZeros&);
  /// Output pixels [first, first + pixels) of a convolution, from its bias, by ky, kx, ci, zeros left out.
  void (*synapse)(const NonZeros&, const Window&, const Packed&, int64_t first, int64_t pixels, float* dst);
  void (*element)(Op, const Elements&);
  void (*pool)(const float* src, const Window&, bool average, float* dst);
  /// The same sums for a convolution in groups; kernel [kh, kw, in / groups, out] as it comes.
  void (*grouped)(const float* src, const Window&, int groups, const float* kernel, const float* bias, float* dst);
};

const PlanKernels& plan_kernels();

}  // namespace bidl
