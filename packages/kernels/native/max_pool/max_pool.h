// 2x2 max-pooling with stride 2, channels last.
#pragma once
#include <cstdint>

namespace bidl {

/// x and dx are [images, height, width, channels], dy is [images, height / 2, width / 2, channels]; an odd last
/// row or column takes no part. Where several inputs share the maximum, as spikes do, the first of them (row by
/// row) gets the gradient, as in PyTorch and TensorFlow.
struct MaxPool2x2 {
  int64_t images, height, width, channels;
};

/// Two neighbouring rows of one image, [2, width, channels], and the row [width / 2, channels] they are pooled to.
struct MaxPoolRows {
  int64_t width, channels;
};

}  // namespace bidl
