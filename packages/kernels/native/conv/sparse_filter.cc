// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Gradients in the kernel of a convolution over inputs that are mostly zero: only non-zero inputs add to them.
#include "conv.h"

#include <algorithm>
#include <type_traits>
#include <vector>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../cpu/aligned.h"
#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "../cpu/nonzeros.h"
#include "pixels.h"

constexpr int64_t SLICES = 4;  // of the images, each with a sum of its own, so that sums don't depend on threads

/// The non-zero inputs of a band of rows, channel by channel: where the gradient of their first kernel column lies in the
/// band's padded copy of dy, and their values.
struct Channels {
  int64_t capacity;
  std::vector<int32_t> place, count;
  Floats value;
  Channels(int64_t channels, int64_t pixels)
      : capacity(pixels), place(channels * pixels), count(channels), value(channels * pixels) {}

  void gather(const Pixels& band, int64_t rows, int64_t width, int64_t line, int64_t step) {
    std::fill(count.begin(), count.end(), 0);
    int32_t e = 0;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t x = 0; x < width; ++x) {
        const int32_t at = static_cast<int32_t>((row * line + x) * step);
        const int64_t pixel = row * width + x, channels = static_cast<int64_t>(count.size());
        for (const int32_t end = band.start[pixel + 1]; e < end; ++e) {
          const int64_t k = band.place[e] - pixel * channels, to = k * capacity + count[k]++;
          place[to] = at;
          value[to] = band.value[e];
        }
      }
    }
  }
};

/// sums[tap] += value · dy of the output that sees the input through that tap, for K taps of a kernel row, which lie side by
/// side in the padded copy, last tap first.
template <int K, int N, bool ONES>
void gather(const int32_t* place, const float* value, int64_t count, const float* dy, float* sums, int64_t tap) {
  vf sum[K * N];
#pragma GCC unroll 5
  for (int k = 0; k < K; ++k) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[k * N + n] = load(sums + (K - 1 - k) * tap + n * W);
  }
  for (int64_t i = 0; i < count; ++i) {
    const float* from = dy + place[i];
    if constexpr (ONES) {
#pragma GCC unroll 16
      for (int n = 0; n < K * N; ++n) sum[n] += load(from + n * W);
    } else {
      const vf x = splat(value[i]);
#pragma GCC unroll 16
      for (int n = 0; n < K * N; ++n) sum[n] += x * load(from + n * W);
    }
  }
#pragma GCC unroll 5
  for (int k = 0; k < K; ++k) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store(sums + (K - 1 - k) * tap + n * W, sum[k * N + n]);
  }
}

/// Vectors of outputs whose sums for K taps fit the registers.
template <int K>
constexpr int vectors_of() {
  return K == 1 ? 8 : K <= 3 ? 4 : 2;
}

template <int K>
void filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  constexpr int MOST = vectors_of<K>();
  const int64_t size = c.k_h * K * c.in_c * c.out_c, tap = c.in_c * c.out_c;
  const int64_t widest = std::min<int64_t>(MOST * W, c.out_c);
  // A band of input rows: its gradients, with the rows and columns around them, stay in the first-level cache.
  const int64_t across = c.in_w + K - 1;
  const int64_t rows = std::max<int64_t>(1, std::min(c.in_h, CLOSE * 2 / 3 / (across * widest * 4) - (c.k_h - 1)));
  Floats sums(SLICES * size, 0.0f);
  parallel(SLICES, [&](const Region& region) {
    Floats padded((rows + c.k_h - 1) * across * widest);
    Pixels band(rows * c.in_w, c.in_c);
    Channels lists(c.in_c, rows * c.in_w);
    for (int64_t slice = region.thread; slice < SLICES; slice += region.threads) {
      float* sum = sums.data() + slice * size;
      for (int64_t image = c.images * slice / SLICES; image < c.images * (slice + 1) / SLICES; ++image) {
        for (int64_t first = 0; first < c.in_h; first += rows) {
          const int64_t here = std::min(rows, c.in_h - first), high = here + c.k_h - 1;
          band.find(x + (image * c.in_h + first) * c.in_w * c.in_c, here * c.in_w, c.in_c);
          band.split(here * c.in_w, c.in_c);
          each_block<MOST>(c.out_c, [&](int64_t column, auto n) {
              constexpr int N = decltype(n)::value;
              lists.gather(band, here, c.in_w, across, N * W);
              // Output (oy, ox) sees input (iy, ix) through tap (iy - oy + pad, ix - ox + pad).
              float* to = padded.data();
              for (int64_t r = 0; r < high; ++r) {
                const int64_t oy = first + r + c.pad_h - (c.k_h - 1);
                for (int64_t k = 0; k < across; ++k, to += N * W) {
                  const int64_t ox = k + c.pad_w - (K - 1);
                  const bool inside = oy >= 0 && oy < c.out_h && ox >= 0 && ox < c.out_w;
                  const float* from = dy + ((image * c.out_h + oy) * c.out_w + ox) * c.out_c + column;
#pragma GCC unroll 8
                  for (int n = 0; n < N; ++n) store(to + n * W, inside ? load(from + n * W) : vf{});
                }
              }
              for (int64_t k = 0; k < c.in_c; ++k) {
                const int64_t count = lists.count[k];
                if (count == 0) continue;
                const int32_t* place = &lists.place[k * lists.capacity];
                const float* value = &lists.value[k * lists.capacity];
                for (int64_t ky = 0; ky < c.k_h; ++ky) {
                  const float* from = padded.data() + (c.k_h - 1 - ky) * across * N * W;
                  float* into = sum + (ky * K * c.in_c + k) * c.out_c + column;
                  if (band.other) gather<K, N, false>(place, value, count, from, into, tap);
                  else gather<K, N, true>(place, value, count, from, into, tap);
                }
              }
          });
        }
      }
    }
  });
  parallel(size / 16384 + 1, [&](const Region& region) {
    int64_t begin, end;
    region.share(size / W, begin, end);
    for (int64_t i = begin * W; i < end * W; i += W) {
      vf total = load(sums.data() + i);
      for (int64_t slice = 1; slice < SLICES; ++slice) total += load(sums.data() + slice * size + i);
      store(dkernel + i, total);
    }
  });
}

}  // namespace

bool sparse_filter_fits(const Conv2d& c) {
  return c.out_c % W == 0 && c.stride_h == 1 && c.stride_w == 1 && (c.k_w == 1 || c.k_w == 3 || c.k_w == 5);
}

void sparse_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  switch (c.k_w) {
    case 1: return filter_gradient<1>(c, x, dy, dkernel);
    case 3: return filter_gradient<3>(c, x, dy, dkernel);
    default: return filter_gradient<5>(c, x, dy, dkernel);
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
