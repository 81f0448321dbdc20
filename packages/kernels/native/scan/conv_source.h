// A convolution in front of neurons: its rows are computed when the neurons ask for them, and never leave the cache.
#pragma once
#include "../conv/rows.h"
#include "lanes.h"

namespace bidl {

/// Reads images [B, T, in_h, in_w, in_c] and gives rows of their convolution, [B, T, out_h, out_w, out_c].
class ConvSource : public Source {
 public:
  ConvSource(const Conv2d& c, ConvRows& rows, const float* images, int64_t steps)
      : c_(c), rows_(rows), images_(images), steps_(steps), line_(c.out_w * c.out_c) {}
  int64_t unit() const override { return rows_.unit() * line_; }
  void begin(int threads, int64_t longest) override { buffers_.resize(threads, longest); }
  const float* row(const Place& place) const override {
    float* const into = buffers_.of(place.thread);
    const float* image = images_ + (place.sample * steps_ + place.step) * c_.in_h * c_.in_w * c_.in_c;
    const int64_t first = place.first / line_, end = first + place.n / line_;
    for (int64_t y = first; y < end; y += rows_.unit()) {
      rows_.compute(image, y, std::min(rows_.unit(), end - y), into + (y - first) * line_, place.thread);
    }
    return into;
  }

 private:
  const Conv2d c_;
  ConvRows& rows_;
  const float* images_;
  int64_t steps_, line_;
  RowBuffers buffers_;
};

}  // namespace bidl
