// Output that is larger than any cache: written past them, so that memory is not read before it is overwritten.
#pragma once
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "lanes.h"

namespace bidl {

class StreamedSink : public Sink {
 public:
  /// Bytes from which on it pays: what reads them next finds them in memory either way.
  static constexpr int64_t LARGE = int64_t{128} << 20;

  StreamedSink(float* data, Layout layout) : data_(data), layout_(layout) {}
  void begin(int threads, int64_t longest) override { buffers_.resize(threads, longest); }
  float* row(const Place& place) const override { return buffers_.of(place.thread); }
  void done(const Place& place) const override {
    const float* from = row(place);
    float* to = data_ + layout_.at(place);
    int64_t i = 0;
#if defined(__x86_64__)
    // Every x86-64 processor has these. The lock at the end of a region orders them before what comes after it.
    const int64_t odd = reinterpret_cast<uintptr_t>(to) / sizeof(float) % 4;
    for (; i < std::min(place.n, (4 - odd) % 4); ++i) to[i] = from[i];
    for (; i + 4 <= place.n; i += 4) _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
#endif
    std::memcpy(to + i, from + i, (place.n - i) * sizeof(float));
  }

 private:
  float* data_;
  Layout layout_;
  RowBuffers buffers_;
};

}  // namespace bidl
