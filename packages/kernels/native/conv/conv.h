// Two-dimensional convolutions over whole batches of images, channels last.
//
// Four ways, all exact in real arithmetic: sparse.cc walks over the non-zero inputs only, winograd.cc saves multiplications
// of dense 3x3 convolutions, direct.cc leaves out what lies outside of small images, spike_sums.cc and
// spike_filter.cc look up what several spikes sum to. Which of them pays is chosen from shape and density.
#pragma once
#include <cstdint>
#include <memory>

namespace bidl {

/// x is [images, in_h, in_w, in_c], the kernel [k_h, k_w, in_c, out_c], y [images, out_h, out_w, out_c].
/// `pad_h` rows and `pad_w` columns of zeros stand before the image; what lies beyond its end is zero too.
struct Conv2d {
  int64_t images, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w, stride_h, stride_w, pad_h, pad_w;
};

enum class ConvWay : int32_t { none, sparse, winograd, direct, lookup };

class ConvRows;  // rows.h

/// The kernels of one instruction set.
struct ConvKernels {
  /// What can compute a convolution's output, its gradient in the kernel, and its gradient in the input.
  bool (*sparse_fits)(const Conv2d&);
  bool (*sparse_filter_fits)(const Conv2d&);
  bool (*winograd_fits)(const Conv2d&);
  bool (*winograd_gradient_fits)(const Conv2d&);  // in the input: strides too, over a gradient spread by zeros
  bool (*direct_fits)(const Conv2d&);             // every pass
  bool (*lookup_fits)(const Conv2d&);
  bool (*lookup_filter_fits)(const Conv2d&);

  std::unique_ptr<ConvRows> (*sparse_rows)(const Conv2d&, const float* kernel, int threads);
  std::unique_ptr<ConvRows> (*winograd_rows)(const Conv2d&, const float* kernel, int threads);
  void (*winograd_forward)(const Conv2d&, const float* x, const float* kernel, float* y);
  void (*direct_forward)(const Conv2d&, const float* x, const float* kernel, float* y);
  void (*lookup_forward)(const Conv2d&, const float* x, const float* kernel, float* y);
  void (*sparse_filter_gradient)(const Conv2d&, const float* x, const float* dy, float* dkernel);
  void (*lookup_filter_gradient)(const Conv2d&, const float* x, const float* dy, float* dkernel);
  void (*winograd_input_gradient)(const Conv2d&, const float* dy, const float* kernel, float* dx);
  void (*winograd_filter_gradient)(const Conv2d&, const float* x, const float* dy, float* dkernel);
  void (*direct_input_gradient)(const Conv2d&, const float* dy, const float* kernel, float* dx);
  void (*direct_filter_gradient)(const Conv2d&, const float* x, const float* dy, float* dkernel);
};

/// The kernels for the best instruction set that this processor has.
const ConvKernels& conv_kernels();

enum class ConvPass : int32_t { forward, filter_gradient, input_gradient };

/// Whether a pass can be computed that way.
bool conv_fits(const Conv2d& c, ConvPass pass, ConvWay way);

/// Output rows of a convolution, by its non-zero inputs or in Winograd's form, for so many threads at once.
std::unique_ptr<ConvRows> conv_rows(const Conv2d& c, ConvWay way, const float* kernel, int threads);

/// y = x convolved with the kernel, by a way that fits; and the gradients in the kernel and in x.
void conv_forward(const Conv2d& c, ConvWay way, const float* x, const float* kernel, float* y);
void conv_filter_gradient(const Conv2d& c, ConvWay way, const float* x, const float* dy, float* dkernel);
void conv_input_gradient(const Conv2d& c, ConvWay way, const float* dy, const float* kernel, float* dx);

/// What an input holds, estimated from some thousand values spread over it.
struct Density {
  float share;  // not zero
  bool spikes;  // nothing but 0 and 1
};
Density density(const float* x, int64_t size);

/// How a pass is best computed for an input of that density; `none` where a dense library does it better.
ConvWay choose(const Conv2d& c, ConvPass pass, Density x);

}  // namespace bidl
