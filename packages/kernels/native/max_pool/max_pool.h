// Max-pooling, channels last.
#pragma once
#include <cstdint>

namespace bidl {

/// x is [images, in_h, in_w, channels], y [images, out_h, out_w, channels]. The first window begins pad_h rows and pad_w
/// columns outside; what lies outside takes no part, and every window has something inside. Where several inputs share the
/// maximum, as spikes do, the first of them (row by row) gets the gradient, as in PyTorch and TensorFlow.
struct MaxPool {
  int64_t images, in_h, in_w, channels, out_h, out_w;
  int64_t k_h, k_w, stride_h, stride_w, pad_h, pad_w;
  bool fits() const {
    const auto inside = [](int64_t in, int64_t out, int64_t k, int64_t stride, int64_t pad) {
      return k > 0 && stride > 0 && pad >= 0 && pad < k && (out == 0 || (out - 1) * stride - pad < in);
    };
    return inside(in_h, out_h, k_h, stride_h, pad_h) && inside(in_w, out_w, k_w, stride_w, pad_w);
  }
};

/// Two neighbouring rows of one image, [2, width, channels], and the row [width / 2, channels] they are pooled to.
struct MaxPoolRows {
  int64_t width, channels;
};

}  // namespace bidl
