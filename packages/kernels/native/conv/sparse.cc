// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Convolutions over inputs that are mostly zero: they walk over the non-zero inputs only. What is left out are products
// with zero, so nothing is approximated. Inputs that are all 0 or 1, as spikes are, cost additions only.
#include "rows.h"

#include <algorithm>
#include <type_traits>
#include <vector>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../cpu/aligned.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "../cpu/nonzeros.h"
#include "pixels.h"

constexpr int COLUMNS = 4;  // vectors of outputs that are summed in registers
constexpr int64_t FEW = 4;  // inputs that an output sees: up to that many, going from inputs to outputs is faster

/// What an output row sees: the non-zeros of the input rows under the kernel, column by column. An entry's place counts
/// (column, kernel row, channel), so that the entries of an output pixel follow one another.
struct Seen {
  std::vector<int32_t> place, start;
  Floats value;
  explicit Seen(const Conv2d& c)
      : place(c.in_w * c.k_h * c.in_c + SPILL), start(c.in_w + 1), value(c.in_w * c.k_h * c.in_c + SPILL) {}

  /// For output row `oy`, from pixels that begin at input row `from`.
  void gather(const Pixels& pixels, const Conv2d& c, int64_t oy, int64_t from) {
    const int64_t y0 = oy * c.stride_h - c.pad_h;
    const int64_t top = std::max<int64_t>(0, -y0), bottom = std::min(c.k_h, c.in_h - y0);
    const int32_t *const starts = pixels.start.data(), *const from_places = pixels.place.data();
    const float* const values = pixels.value.data();
    int32_t* const places = place.data();
    float* const to = value.data();
    int64_t count = 0;
    for (int64_t x = 0; x < c.in_w; ++x) {
      start[x] = static_cast<int32_t>(count);
      for (int64_t ky = top; ky < bottom; ++ky) {
        const int64_t pixel = (y0 + ky - from) * c.in_w + x;
        const int32_t base = static_cast<int32_t>((x * c.k_h + ky - pixel) * c.in_c);
        const int64_t begin = starts[pixel], n = starts[pixel + 1] - begin;
        for (int64_t i = 0; i < n; i += SPILL) {  // eight at a time, written behind the end where there are fewer
          for (int64_t k = 0; k < SPILL; ++k) {
            places[count + i + k] = from_places[begin + i + k] + base;
            to[count + i + k] = values[begin + i + k];
          }
        }
        count += n;
      }
    }
    start[c.in_w] = static_cast<int32_t>(count);
  }
};

/// N vectors of outputs of a row of pixels. Weights are packed [kernel column][kernel row][input channel][column].
template <int N, bool ONES>
void sweep(const Seen& in, const Conv2d& c, const float* weights, float* y) {
  const int64_t per_column = c.k_h * c.in_c;
  for (int64_t ox = 0; ox < c.out_w; ++ox, y += c.out_c) {
    const int64_t x0 = ox * c.stride_w - c.pad_w;
    const int32_t e0 = in.start[std::min(c.in_w, std::max<int64_t>(0, x0))];
    const int32_t e1 = in.start[std::max<int64_t>(0, std::min(c.in_w, x0 + c.k_w))];
    const float* base = weights - x0 * per_column * N * W;
    vf sum[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[n] = vf{};
    for (int32_t e = e0; e < e1; ++e) {
      const float* w = base + int64_t{in.place[e]} * (N * W);
      if constexpr (ONES) {
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) sum[n] += load(w + n * W);
      } else {
        const vf x = splat(in.value[e]);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) sum[n] += x * load(w + n * W);
      }
    }
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store(y + n * W, sum[n]);
  }
}

/// Output rows [first, first + rows) from pixels that begin at input row `iy`: adds to the outputs what each non-zero input
/// has for them. The kernel's columns stand in reverse, [in][kernel row][column][out], so that an input finds the outputs of
/// a row side by side, and their weights too. Strides are 1.
void scatter(const Pixels& pixels, const Conv2d& c, const float* weights, int64_t iy, int64_t first, int64_t rows, float* y) {
  std::fill(y, y + rows * c.out_w * c.out_c, 0.0f);
  const int32_t line = static_cast<int32_t>(c.in_w * c.in_c), channels = static_cast<int32_t>(c.in_c);
  int32_t begin = 0;  // place of input row iy
  for (int64_t e = 0; e < pixels.count; ++e) {
    for (; pixels.place[e] >= begin + line; begin += line) ++iy;
    const int32_t in_row = pixels.place[e] - begin, ix = in_row / channels, k = in_row % channels;
    // Output row oy sees input row iy through kernel row iy + pad - oy, and columns likewise.
    const int64_t top = std::max(first, iy + c.pad_h - (c.k_h - 1)), bottom = std::min(first + rows, iy + c.pad_h + 1);
    const int64_t x0 = ix + c.pad_w - (c.k_w - 1), left = std::max<int64_t>(0, x0), right = std::min(c.out_w, x0 + c.k_w);
    const vf value = splat(pixels.value[e]);
    for (int64_t oy = top; oy < bottom; ++oy) {
      const float* w = weights + ((k * c.k_h + iy + c.pad_h - oy) * c.k_w + left - x0) * c.out_c;
      float* sums = y + ((oy - first) * c.out_w + left) * c.out_c;
      for (int64_t i = 0; i < (right - left) * c.out_c; i += W) store(sums + i, load(sums + i) + value * load(w + i));
    }
  }
}

/// The kernel [kh, kw, in, out] as `scatter` wants it.
void pack_reversed(const Conv2d& c, const float* kernel, float* into) {
  for (int64_t k = 0; k < c.in_c; ++k) {
    for (int64_t ky = 0; ky < c.k_h; ++ky) {
      for (int64_t kx = c.k_w - 1; kx >= 0; --kx, into += c.out_c) {
        std::copy_n(kernel + ((ky * c.k_w + kx) * c.in_c + k) * c.out_c, c.out_c, into);
      }
    }
  }
}

/// The kernel [kh, kw, in, out] in blocks of outputs: [block][kernel column][kernel row][in][column].
void pack(const Conv2d& c, const float* kernel, float* into) {
  each_block<COLUMNS>(c.out_c, [&](int64_t column, auto n) {
    for (int64_t kx = 0; kx < c.k_w; ++kx) {
      for (int64_t ky = 0; ky < c.k_h; ++ky) {
        const float* from = kernel + (ky * c.k_w + kx) * c.in_c * c.out_c + column;
        for (int64_t k = 0; k < c.in_c; ++k, from += c.out_c) {
          for (int i = 0; i < n; ++i, into += W) store(into, load(from + i * W));
        }
      }
    }
  });
}

class SparseRows : public ConvRows {
 public:
  SparseRows(const Conv2d& c, const float* kernel, int threads)
      : c_(c), per_column_(c.k_h * c.k_w * c.in_c), weights_(per_column_ * c.out_c), scratch_(threads) {
    pack(c, kernel, weights_.data());
    if (c.stride_h > 1 || c.stride_w > 1) return;
    reversed_.resize(weights_.size());
    pack_reversed(c, kernel, reversed_.data());
  }
  // Few enough rows for their outputs to stay close; input rows are read again for every unit that sees them.
  int64_t unit() const override {
    const int64_t fit = CLOSE / (c_.out_w * c_.out_c * static_cast<int64_t>(sizeof(float)));
    return std::min(c_.out_h, std::max<int64_t>(2, fit / 2 * 2));
  }

  void compute(const float* image, int64_t first, int64_t rows, float* y, int thread) override {
    auto& own = scratch_[thread];
    if (own == nullptr) own = std::make_unique<Scratch>(c_, unit());
    const int64_t y0 = first * c_.stride_h - c_.pad_h;
    const int64_t from = std::max<int64_t>(0, y0), to = std::min(c_.in_h, y0 + (rows - 1) * c_.stride_h + c_.k_h);
    const int64_t seen = std::max<int64_t>(0, to - from) * c_.in_w;
    own->pixels.find(image + from * c_.in_w * c_.in_c, seen, c_.in_c);
    if (!reversed_.empty() && own->pixels.count * c_.k_h * c_.k_w < FEW * rows * c_.out_w) {
      return scatter(own->pixels, c_, reversed_.data(), from, first, rows, y);
    }
    own->pixels.split(seen, c_.in_c);
    for (int64_t oy = first; oy < first + rows; ++oy, y += c_.out_w * c_.out_c) {
      own->seen.gather(own->pixels, c_, oy, from);
      each_block<COLUMNS>(c_.out_c, [&](int64_t column, auto n) {
        constexpr int N = decltype(n)::value;
        const float* weights = weights_.data() + column * per_column_;
        if (own->pixels.other) sweep<N, false>(own->seen, c_, weights, y + column);
        else sweep<N, true>(own->seen, c_, weights, y + column);
      });
    }
  }

 private:
  struct Scratch {
    Pixels pixels;
    Seen seen;
    Scratch(const Conv2d& c, int64_t rows) : pixels(((rows - 1) * c.stride_h + c.k_h) * c.in_w, c.in_c), seen(c) {}
  };
  const Conv2d c_;
  const int64_t per_column_;
  Floats weights_, reversed_;
  std::vector<std::unique_ptr<Scratch>> scratch_;
};

}  // namespace

bool sparse_fits(const Conv2d& c) { return c.out_c % W == 0; }

std::unique_ptr<ConvRows> sparse_rows(const Conv2d& c, const float* kernel, int threads) {
  return std::make_unique<SparseRows>(c, kernel, threads);
}

}  // namespace BIDL_ISA
}  // namespace bidl
