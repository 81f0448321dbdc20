// Rows of a tensor that has been spread: one value for all samples, steps or neurons of it is held once.
#pragma once
#include "lanes.h"

namespace bidl {

/// Floats from one sample, and from one step, to the next; 0 where they are the same. Not `each`: one value for all neurons.
struct Spread {
  int64_t sample, step;
  bool each;
};

class SpreadSource : public Source {
 public:
  SpreadSource(const float* data, Spread spread) : data_(data), spread_(spread) {}
  void begin(int threads, int64_t longest) override {
    if (spread_.each) return;
    buffers_.resize(threads, longest);
    for (int i = 0; i < threads; ++i) std::fill_n(buffers_.of(i), longest, *data_);
  }
  const float* row(const Place& place) const override {
    const float* at = data_ + place.sample * spread_.sample + place.step * spread_.step;
    if (spread_.each) return at + place.first;
    float* const row = buffers_.of(place.thread);
    const bool same = spread_.sample == 0 && spread_.step == 0;  // everywhere: it is there already
    if (!same) std::fill_n(row, place.n, *at);
    return row;
  }

 private:
  const float* data_;
  Spread spread_;
  RowBuffers buffers_;
};

}  // namespace bidl
