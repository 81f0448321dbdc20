// Compiled once per instruction set: the inputs of a synapse that are not zero, and spikes in fours.
#include <cstring>

#include "half.h"
#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

inline float number(float x) { return x; }
inline float number(uint8_t x) { return x; }
inline float number(uint16_t x) { return from_half(x); }

/// The next place from i on, below n, whose bits are not zero.
template <class T>
int64_t next_of(const T* src, int64_t i, int64_t n) {
  constexpr int64_t MANY = sizeof(uint64_t) / sizeof(T);
  for (; i + MANY <= n; i += MANY) {
    uint64_t many;
    std::memcpy(&many, src + i, sizeof many);
    if (many != 0) return i + __builtin_ctzll(many) / (8 * static_cast<int64_t>(sizeof(T)));
  }
  while (i < n && src[i] == 0) ++i;
  return i;
}

/// One row of the image.
template <class T>
void list_row(const T* src, const NonZeros& out, int64_t row) {
  const int64_t n = out.width * out.channels, gap = FOUR * fours_of(out.channels) - out.channels;
  int32_t* start = out.start + row * (out.width + 1);
  int64_t count = row * out.capacity + 1, x = 0;
  start[0] = static_cast<int32_t>(count);
  bool ones = true;
  const int64_t before = count;
  for (int64_t i = next_of(src, 0, n); i < n; i = next_of(src, i + 1, n)) {
    const float value = number(src[i]);
    if (value == 0.0f) continue;  // -0
    for (; (x + 1) * out.channels <= i; ++x) start[x + 1] = static_cast<int32_t>(count);
    const auto place = static_cast<int32_t>(i + x * gap);
    // An entry is the last of its four when the next is of another.
    if (count > before) out.index[count - 1] |= out.index[count - 1] >> 3 != place >> 2;
    out.index[count] = 2 * place;
    out.value[count++] = value;
    ones &= value == 1.0f;
  }
  if (count > before) out.index[count - 1] |= 1;
  for (; x < out.width; ++x) start[x + 1] = static_cast<int32_t>(count);
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

void plan_note(const Image& src, int64_t rows, int64_t width, int64_t columns, uint8_t* spikes, int64_t row,
               int64_t step) {
  const float* from = src.data;
  for (int64_t y = 0; y < rows; ++y) {
    uint8_t* to = spikes + y * row;
    for (int64_t x = 0; x < width; ++x, from += src.step, to += step) {
      for (int64_t c = 0; c < columns; c += FOUR) {
        int some = 0;
        for (int64_t k = 0; k < FOUR && c + k < columns; ++k) some |= (from[c + k] != 0.0f) << k;
        to[c / FOUR] = static_cast<uint8_t>(some);
      }
    }
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
