// Compiled once per instruction set: the inputs of a synapse that are not zero, and spikes in fours.
#include "half.h"
#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

inline float number(float x) { return x; }
inline float number(uint8_t x) { return x; }
inline float number(uint16_t x) { return from_half(x); }

/// One row of the image.
template <class T>
void list_row(const T* src, const NonZeros& out, int64_t row) {
  int64_t count = row * out.capacity + 1;
  int32_t place = 0;
  int32_t* start = out.start + row * (out.width + 1);
  bool ones = true;
  for (int64_t x = 0; x < out.width; ++x) {
    start[x] = static_cast<int32_t>(count);
    for (int64_t c = 0; c < out.channels; c += FOUR, place += FOUR) {
      const int64_t here = out.channels - c < FOUR ? out.channels - c : FOUR;
      for (int64_t k = 0; k < here; ++k) {
        const float value = number(*src++);
        const bool some = value != 0.0f;  // written always, kept when not zero: no branch to mispredict
        out.index[count] = static_cast<int32_t>(2 * (place + k));
        out.value[count] = value;
        count += some;
        ones &= !some | (value == 1.0f);
      }
      out.index[count - 1] |= 1;  // where this four is empty, that is the end of another
    }
  }
  start[out.width] = static_cast<int32_t>(count);
  out.ones[row] = ones;
}
}  // namespace

void plan_find(const void* src, Format format, const NonZeros& out, int64_t first, int64_t last) {
  const int64_t length = out.width * out.channels;
  for (int64_t row = first; row < last; ++row) {
    const int64_t at = row * length;
    switch (format) {
      case Format::uint8: list_row(static_cast<const uint8_t*>(src) + at, out, row); break;
      case Format::float16: list_row(static_cast<const uint16_t*>(src) + at, out, row); break;
      case Format::float32: list_row(static_cast<const float*>(src) + at, out, row); break;
    }
  }
}

void plan_note(const Image& src, int64_t rows, int64_t width, int64_t columns, uint16_t* spikes, int64_t row,
               int64_t step) {
  const float* from = src.data;
  for (int64_t y = 0; y < rows; ++y) {
    uint16_t* to = spikes + y * row;
    for (int64_t x = 0; x < width; ++x, from += src.step, to += step) {
      for (int64_t c = 0; c < columns; c += FOUR) {
        int some = 0;
        for (int64_t k = 0; k < FOUR && c + k < columns; ++k) some |= (from[c + k] != 0.0f) << k;
        to[c / FOUR] = static_cast<uint16_t>(some * SPIKES);
      }
    }
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
