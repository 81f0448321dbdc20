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

/// The non-zero inputs of a band of rows, listed by their first tap and channel: the pixel of the band's padded copy of dy
/// that they meet through the last taps, and their values.
struct Lists {
  int64_t capacity;
  std::vector<int32_t> place, count;
  Floats value;
  Lists(int64_t lists, int64_t pixels) : capacity(pixels), place(lists * pixels), count(lists), value(lists * pixels) {}

  /// Input rows [first, first + rows); the copy has `line` pixels a row.
  void gather(const Pixels& band, int64_t first, int64_t rows, int64_t width, int64_t channels, const Axis& down,
              const Axis& across, int64_t line) {
    std::fill(count.begin(), count.end(), 0);
    int32_t e = 0;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t y = down.output(first + row) - down.output(first), taps = down.first_tap(first + row) * across.stride;
      for (int64_t x = 0, pixel = row * width; x < width; ++x, ++pixel) {
        const int64_t lists = (taps + across.first_tap(x)) * channels - pixel * channels;
        const int32_t at = static_cast<int32_t>(y * line + across.output(x) - across.output(0));
        for (const int32_t end = band.start[pixel + 1]; e < end; ++e) {
          const int64_t list = lists + band.place[e], to = list * capacity + count[list]++;
          place[to] = at;
          value[to] = band.value[e];
        }
      }
    }
  }
};

/// sums[tap] += value · dy of the output that sees the input through that tap, for K taps of a kernel row, `tap` apart. Their
/// outputs lie side by side in the padded copy, last tap first.
template <int K, int N, bool ONES>
void gather(const int32_t* place, const float* value, int64_t count, const float* dy, float* sums, int64_t tap) {
  vf sum[K * N];
#pragma GCC unroll 5
  for (int k = 0; k < K; ++k) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[k * N + n] = load(sums + (K - 1 - k) * tap + n * W);
  }
  for (int64_t i = 0; i < count; ++i) {
    const float* from = dy + int64_t{place[i]} * (N * W);
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

/// Adds up images' parts of the gradient, for kernels with K taps in a row that an input meets at most.
template <int K>
class Gatherer {
 public:
  explicit Gatherer(const Conv2d& c)
      : c_(c),
        down_{c.pad_h, c.stride_h, c.k_h},
        across_{c.pad_w, c.stride_w, c.k_w},
        line_(across_.output(c.in_w - 1) - across_.output(0) + K),
        rows_(rows()),
        plane_(((rows_ + c.stride_h - 2) / c.stride_h + down_.most()) * line_),
        padded_(plane_ * c.out_c),
        band_(rows_ * c.in_w, c.in_c),
        lists_(c.stride_h * c.stride_w * c.in_c, rows_ * c.in_w) {}

  /// Adds what an image gives.
  void add(const float* x, const float* dy, float* sums) {
    for (int64_t first = 0; first < c_.in_h; first += rows_) {
      const int64_t here = std::min(rows_, c_.in_h - first);
      band_.find(x + first * c_.in_w * c_.in_c, here * c_.in_w, c_.in_c);
      band_.split(here * c_.in_w, c_.in_c);
      lists_.gather(band_, first, here, c_.in_w, c_.in_c, down_, across_, line_);
      copy(dy, down_.output(first), down_.output(first + here - 1));
      each_block<MOST>(c_.out_c, [&](int64_t column, auto n) {
        constexpr int N = decltype(n)::value;
        const float* gradients = padded_.data() + column * plane_;
        for (int64_t ky = 0; ky < c_.k_h; ++ky) {
          for (int64_t kx = 0; kx < std::min(c_.stride_w, c_.k_w); ++kx) {
            float* into = sums + (ky * c_.k_w + kx) * c_.in_c * c_.out_c + column;
            if (across_.count(kx) == K) add_row<K, N>(ky, kx, gradients, into);
            else if constexpr (K > 1) add_row<K - 1, N>(ky, kx, gradients, into);
          }
        }
      });
    }
  }

 private:
  static constexpr int MOST = vectors_of<K>();
  int64_t widest() const { return std::min<int64_t>(MOST * W, c_.out_c); }

  /// Input rows of a band: its gradients, with the rows and columns around them, stay in the first-level cache.
  int64_t rows() const {
    const int64_t fit = CLOSE * 2 / 3 / (line_ * widest() * static_cast<int64_t>(sizeof(float))) - (down_.most() - 1);
    return std::min(c_.in_h, std::max<int64_t>(1, fit) * c_.stride_h);
  }

  /// Copies the output rows [from, to] that are met through the first taps, and those before them that are met through the
  /// others: [block of columns][row][pixel][column].
  void copy(const float* dy, int64_t from, int64_t to) {
    int64_t pixel = 0;
    for (int64_t oy = from - (down_.most() - 1); oy <= to; ++oy) {
      for (int64_t k = 0; k < line_; ++k, ++pixel) {
        const int64_t ox = k + across_.output(0) - (K - 1);
        const bool inside = oy >= 0 && oy < c_.out_h && ox >= 0 && ox < c_.out_w;
        const float* at = dy + (oy * c_.out_w + ox) * c_.out_c;
        each_block<MOST>(c_.out_c, [&](int64_t column, auto n) {
          constexpr int N = decltype(n)::value;
          float* into = padded_.data() + column * plane_ + pixel * N * W;
#pragma GCC unroll 8
          for (int i = 0; i < N; ++i) store(into + i * W, inside ? load(at + column + i * W) : vf{});
        });
      }
    }
  }

  /// Kernel row ky, TAPS taps from kx on, all channels.
  template <int TAPS, int N>
  void add_row(int64_t ky, int64_t kx, const float* gradients, float* sums) const {
    const float* from = gradients + ((down_.most() - 1 - ky / c_.stride_h) * line_ + K - TAPS) * N * W;
    for (int64_t k = 0; k < c_.in_c; ++k, sums += c_.out_c) {
      const int64_t list = (ky % c_.stride_h * c_.stride_w + kx) * c_.in_c + k, count = lists_.count[list];
      if (count == 0) continue;
      const int32_t* place = &lists_.place[list * lists_.capacity];
      const float* value = &lists_.value[list * lists_.capacity];
      const int64_t tap = c_.stride_w * c_.in_c * c_.out_c;
      if (band_.other) gather<TAPS, N, false>(place, value, count, from, sums, tap);
      else gather<TAPS, N, true>(place, value, count, from, sums, tap);
    }
  }

  const Conv2d c_;
  const Axis down_, across_;
  const int64_t line_, rows_, plane_;
  Floats padded_;
  Pixels band_;
  Lists lists_;
};

template <int K>
void filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  const int64_t size = c.k_h * c.k_w * c.in_c * c.out_c;
  Floats sums(SLICES * size, 0.0f);
  parallel(SLICES, [&](const Region& region) {
    Gatherer<K> gatherer(c);
    for (int64_t slice = region.thread; slice < SLICES; slice += region.threads) {
      for (int64_t image = c.images * slice / SLICES; image < c.images * (slice + 1) / SLICES; ++image) {
        gatherer.add(x + image * c.in_h * c.in_w * c.in_c, dy + image * c.out_h * c.out_w * c.out_c,
                     sums.data() + slice * size);
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

/// Taps in a row of the kernel that an input meets at most.
int64_t taps_met(const Conv2d& c) { return (c.k_w + c.stride_w - 1) / c.stride_w; }

}  // namespace

bool sparse_filter_fits(const Conv2d& c) { return c.out_c % W == 0 && taps_met(c) <= 5; }

void sparse_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  switch (taps_met(c)) {
    case 1: return filter_gradient<1>(c, x, dy, dkernel);
    case 2: return filter_gradient<2>(c, x, dy, dkernel);
    case 3: return filter_gradient<3>(c, x, dy, dkernel);
    case 4: return filter_gradient<4>(c, x, dy, dkernel);
    default: return filter_gradient<5>(c, x, dy, dkernel);
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
