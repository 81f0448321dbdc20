// What a plan computes with: the kernels of one instruction set, and the choice among them.
#pragma once
#include <cstdint>

#include "program.h"

namespace bidl {

/// The non-zero inputs of a synapse, each row of the image on its own: row y has its entries in raster order from
/// y * capacity on, and pixel x of it those in [start[x], start[x + 1]) where start begins at y * (width + 1).
/// `index` is the element within the row (column * channels + channel). `ones[y]`: every entry is exactly 1.
struct NonZeros {
  int32_t* index;
  float* value;
  int32_t* start;
  uint8_t* ones;
  int64_t rows, width, channels, capacity;
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
  int64_t n, period;
};

struct PlanKernels {
  const char* isa;
  int64_t (*vector)();                // floats in a vector
  int64_t (*panel)(const Window&);  // floats in a panel
  /// Notes the non-zero elements of rows [first, last).
  void (*list)(const void* src, Format, const NonZeros&, int64_t first, int64_t last);
  /// Output pixels [first, first + pixels) of a convolution, from its bias, by ky, kx, ci, zeros left out; all columns,
  /// or for a single pixel those in [column, column + columns).
  void (*synapse)(const NonZeros&, const Window&, const Packed&, int64_t first, int64_t pixels, int64_t column,
                  int64_t columns, float* dst);
  void (*element)(Op, const Elements&);
  /// Output rows [first, last).
  void (*pool)(const float* src, const Window&, bool average, int64_t first, int64_t last, float* dst);
  /// The same sums for a convolution in groups; kernel [kh, kw, in / groups, out] as it comes.
  void (*grouped)(const float* src, const Window&, int groups, const float* kernel, const float* bias, float* dst);
};

const PlanKernels& plan_kernels();

}  // namespace bidl
