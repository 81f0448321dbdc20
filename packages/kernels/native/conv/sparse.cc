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

constexpr int64_t FEW = 4;  // inputs that an output sees: up to that many, going from inputs to outputs is faster
constexpr size_t SMALL = size_t{64} * 1024;      // weights that are worth a second copy for that
constexpr int64_t WEIGHTS = int64_t{24} * 1024;  // bytes of weights that a sweep over outputs keeps close

/// sum += value · weights.
template <int N, bool ONES>
inline void add_entry(vf* sum, const float* weights, float value) {
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) sum[n] += ONES ? load(weights + n * W) : splat(value) * load(weights + n * W);
}

/// N vectors of output rows [first, first + rows), from pixels that begin at input row `from`: adds what they see through
/// kernel rows [top, bottom); nothing is there before the first of them. Weights are packed
/// [kernel row][kernel column][input channel][column].
template <int N, bool ONES>
void sweep(const Pixels& in, const Conv2d& c, const float* weights, int64_t top, int64_t bottom, int64_t from,
           int64_t first, int64_t rows, float* y) {
  constexpr int CHAINS = N < 8 ? 2 : 1;  // of sums, so that an addition need not wait for the one before
  const int32_t *const starts = in.start.data(), *const places = in.place.data();
  const float* const values = in.value.data();
  for (int64_t oy = first; oy < first + rows; ++oy) {
    const int64_t y0 = oy * c.stride_h - c.pad_h, begin = std::max(top, -y0), end = std::min(bottom, c.in_h - y0);
    for (int64_t ox = 0; ox < c.out_w; ++ox, y += c.out_c) {
      const int64_t x0 = ox * c.stride_w - c.pad_w;
      const int64_t left = std::min(c.in_w, std::max<int64_t>(0, x0));
      const int64_t right = std::max<int64_t>(0, std::min(c.in_w, x0 + c.k_w));
      vf sum[CHAINS][N];
#pragma GCC unroll 16
      for (int n = 0; n < CHAINS * N; ++n) sum[n / N][n % N] = n < N && top > 0 ? load(y + n * W) : vf{};
      for (int64_t ky = begin; ky < end; ++ky) {
        const int64_t row = (y0 + ky - from) * c.in_w;
        const float* base = weights + (ky * c.k_w - row - x0) * c.in_c * (N * W);
        int32_t e = starts[row + left];
        const int32_t last = starts[row + right];
        for (; e + CHAINS <= last; e += CHAINS) {
#pragma GCC unroll 2
          for (int i = 0; i < CHAINS; ++i) add_entry<N, ONES>(sum[i], base + int64_t{places[e + i]} * (N * W), values[e + i]);
        }
        for (; e < last; ++e) add_entry<N, ONES>(sum[0], base + int64_t{places[e]} * (N * W), values[e]);
      }
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) store(y + n * W, CHAINS == 1 ? sum[0][n] : sum[0][n] + sum[CHAINS - 1][n]);
    }
  }
}

/// Output rows [first, first + rows), which are zero, from pixels that begin at input row `iy`: adds what each non-zero
/// input has for them. Weights as pack_reversed lays them: an input finds the outputs of a row side by side, and their
/// weights too.
void scatter(const Pixels& pixels, const Conv2d& c, const float* weights, int64_t iy, int64_t first, int64_t rows, float* y) {
  const int32_t line = static_cast<int32_t>(c.in_w * c.in_c), channels = static_cast<int32_t>(c.in_c);
  const Axis down = {c.pad_h, c.stride_h, c.k_h}, across = {c.pad_w, c.stride_w, c.k_w};
  int32_t begin = 0;  // place of input row iy
  for (int64_t e = 0; e < pixels.count; ++e) {
    for (; pixels.place[e] >= begin + line; begin += line) ++iy;
    const int32_t in_row = pixels.place[e] - begin, ix = in_row / channels, k = in_row % channels;
    const int64_t ky = down.first_tap(iy), kx = across.first_tap(ix), oy1 = down.output(iy), ox1 = across.output(ix);
    const int64_t top = std::max(first, oy1 - down.count(ky) + 1), bottom = std::min(first + rows, oy1 + 1);
    const int64_t x0 = ox1 - across.count(kx) + 1, left = std::max<int64_t>(0, x0), right = std::min(c.out_w, ox1 + 1);
    const vf value = splat(pixels.value[e]);
    for (int64_t oy = top; oy < bottom; ++oy) {
      const int64_t row = (k * c.k_h + ky + (oy1 - oy) * c.stride_h) * c.stride_w + kx;
      const float* w = weights + (row * across.most() + left - x0) * c.out_c;
      float* sums = y + ((oy - first) * c.out_w + left) * c.out_c;
      for (int64_t i = 0; i < (right - left) * c.out_c; i += W) store(sums + i, load(sums + i) + value * load(w + i));
    }
  }
}

/// Taps of the kernel as `scatter` wants them: [in][kernel row][first tap][tap, last one first][out].
int64_t reversed_taps(const Conv2d& c) { return c.in_c * c.k_h * c.stride_w * Axis{c.pad_w, c.stride_w, c.k_w}.most(); }

/// The kernel [kh, kw, in, out] so.
void pack_reversed(const Conv2d& c, const float* kernel, float* into) {
  const Axis across = {c.pad_w, c.stride_w, c.k_w};
  for (int64_t k = 0; k < c.in_c; ++k) {
    for (int64_t ky = 0; ky < c.k_h; ++ky) {
      for (int64_t first = 0; first < c.stride_w; ++first, into += across.most() * c.out_c) {
        const int64_t taps = across.count(first);
        for (int64_t j = 0; j < taps; ++j) {
          const int64_t kx = first + (taps - 1 - j) * c.stride_w;
          std::copy_n(kernel + ((ky * c.k_w + kx) * c.in_c + k) * c.out_c, c.out_c, into + j * c.out_c);
        }
      }
    }
  }
}

/// Calls body(column, n) for the blocks of n vectors of outputs that are summed in registers: wide ones where the weights of
/// a kernel row stay close all the same.
template <class Body>
void blocks(const Conv2d& c, Body body) {
  const bool wide = c.k_w * c.in_c * 8 * W * static_cast<int64_t>(sizeof(float)) <= WEIGHTS;
  wide ? each_block<8>(c.out_c, body) : each_block<4>(c.out_c, body);
}

/// The kernel [kh, kw, in, out] by these blocks: [block][kh][kw][in][column].
void pack(const Conv2d& c, const float* kernel, float* into) {
  blocks(c, [&](int64_t column, auto n) {
    const float* from = kernel + column;
    for (int64_t k = 0; k < c.k_h * c.k_w * c.in_c; ++k, from += c.out_c) {
      for (int i = 0; i < n; ++i, into += W) store(into, load(from + i * W));
    }
  });
}

class SparseRows : public ConvRows {
 public:
  SparseRows(const Conv2d& c, const float* kernel, int threads)
      : c_(c), per_column_(c.k_h * c.k_w * c.in_c), weights_(per_column_ * c.out_c), scratch_(threads) {
    pack(c, kernel, weights_.data());
    if (weights_.size() > SMALL) return;
    reversed_.resize(reversed_taps(c) * c.out_c);
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
    const int64_t outputs = rows * c_.out_w * c_.stride_h * c_.stride_w;
    if (!reversed_.empty() && own->pixels.count * c_.k_h * c_.k_w < FEW * outputs) {
      std::fill(y, y + rows * c_.out_w * c_.out_c, 0.0f);
      return scatter(own->pixels, c_, reversed_.data(), from, first, rows, y);
    }
    own->pixels.split(seen, c_.in_c);
    blocks(c_, [&](int64_t column, auto n) {
      constexpr int N = decltype(n)::value;
      const float* weights = weights_.data() + column * per_column_;
      const auto sums = own->pixels.other ? sweep<N, false> : sweep<N, true>;
      const int64_t row = c_.k_w * c_.in_c * N * W * static_cast<int64_t>(sizeof(float));
      const int64_t together = std::max<int64_t>(1, WEIGHTS / row);
      for (int64_t top = 0; top < c_.k_h; top += together) {
        sums(own->pixels, c_, weights, top, std::min(c_.k_h, top + together), from, first, rows, y + column);
      }
    });
  }

 private:
  struct Scratch {
    Pixels pixels;
    Scratch(const Conv2d& c, int64_t rows) : pixels(((rows - 1) * c.stride_h + c.k_h) * c.in_w, c.in_c) {}
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
