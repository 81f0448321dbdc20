// 2x2 max-pooling of a scan's output on its way to memory, where the rows are still in cache, and the way back.
#pragma once
#include "lanes.h"
#include "../cpu/kernels.h"

namespace bidl {

/// The output as images, [B, T, height, width, channels]. A last odd row or column takes no part.
struct Images {
  int64_t steps, height, width, channels;
  int64_t line() const { return width * channels; }
  int64_t pooled_line() const { return width / 2 * channels; }
  int64_t pooled() const { return height / 2 * pooled_line(); }
  /// Where the rows that a place covers begin in the pooled tensor.
  int64_t at(const Place& p) const { return (p.sample * steps + p.step) * pooled() + p.first / (2 * line()) * pooled_line(); }
  /// Pairs of image rows that a place covers; the row without a partner stays out.
  int64_t pairs(const Place& p) const { return p.n / (2 * line()); }
};

/// Writes the maxima to `out` and their places (a byte each) to `choice`, both [B, T, height / 2, width / 2, channels];
/// only the maxima where `choice` is null.
class PooledSink : public Sink {
 public:
  PooledSink(const Images& images, float* out, uint8_t* choice) : images_(images), out_(out), choice_(choice) {}
  int64_t unit() const override { return 2 * images_.line(); }
  void begin(int threads, int64_t longest) override { buffers_.resize(threads, longest); }
  float* row(const Place& place) const override { return buffers_.of(place.thread); }
  void done(const Place& place) const override {
    const float* rows = row(place);
    int64_t at = images_.at(place);
    for (int64_t k = 0; k < images_.pairs(place); ++k, rows += 2 * images_.line(), at += images_.pooled_line()) {
      kernels().max_pool_rows({images_.width, images_.channels}, rows, out_ + at, choice_ == nullptr ? nullptr : choice_ + at);
    }
  }

 private:
  Images images_;
  float* out_;
  uint8_t* choice_;
  RowBuffers buffers_;
};

/// The gradient of what PooledSink has been given, from that of what it has written.
class PooledGradient : public Source {
 public:
  PooledGradient(const Images& images, const float* dout, const uint8_t* choice)
      : images_(images), dout_(dout), choice_(choice) {}
  int64_t unit() const override { return 2 * images_.line(); }
  void begin(int threads, int64_t longest) override { buffers_.resize(threads, longest); }
  const float* row(const Place& place) const override {
    float* const rows = buffers_.of(place.thread);
    int64_t at = images_.at(place), done = 0;
    for (int64_t k = 0; k < images_.pairs(place); ++k, done += 2 * images_.line(), at += images_.pooled_line()) {
      kernels().max_unpool_rows({images_.width, images_.channels}, dout_ + at, choice_ + at, rows + done);
    }
    std::fill(rows + done, rows + place.n, 0.0f);
    return rows;
  }

 private:
  Images images_;
  const float* dout_;
  const uint8_t* choice_;
  RowBuffers buffers_;
};

}  // namespace bidl
