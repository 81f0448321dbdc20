// A convolution's output by rows of pixels: what a whole forward pass, or a neuron behind the convolution, asks for.
#pragma once
#include "conv.h"

namespace bidl {

/// A convolution with its kernel made ready. Threads ask at once, each under a number of its own.
class ConvRows {
 public:
  virtual ~ConvRows() = default;
  /// Output rows [first, first + rows) of an image, [rows, out_w, out_c]. `rows` is a multiple of `unit`, but for the last
  /// ones of an image.
  virtual void compute(const float* image, int64_t first, int64_t rows, float* y, int thread) = 0;
  /// Rows that are best computed together.
  virtual int64_t unit() const = 0;
};

/// The whole output: x [images, in_h, in_w, in_c] -> y [images, out_h, out_w, out_c].
void all_rows(const Conv2d& c, ConvRows& rows, const float* x, float* y);

}  // namespace bidl
