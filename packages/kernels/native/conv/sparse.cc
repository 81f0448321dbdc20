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
#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "../cpu/nonzeros.h"

constexpr int COLUMNS = 4;                     // vectors of outputs that are summed in registers
constexpr int64_t CLOSE = int64_t{28} * 1024;  // bytes that stay in the first-level cache
constexpr int64_t FEW = 4;     // inputs that an output sees: up to that many, going from inputs to outputs is faster
constexpr int64_t SLICES = 4;  // of the images, each with a sum of its own, so that sums don't depend on threads

/// The non-zero inputs of some pixels: place, (pixel, channel) counted through, and value; and where each pixel's begin.
struct Pixels {
  int64_t count = 0;
  bool other = false;  // some value is neither 0 nor 1
  std::vector<int32_t> place, start;
  Floats value;
  Pixels(int64_t pixels, int64_t channels)
      : place(pixels * channels + SPILL), start(pixels + 1), value(pixels * channels + SPILL) {}

  /// All but `start`, for which `split` has to be called.
  void find(const float* x, int64_t pixels, int64_t channels) {
    other = false;
    count = 0;
    if (channels < SPILL) {  // whole vectors reach over several pixels
      count = nonzeros(x, pixels * channels, 0, place.data(), value.data(), other);
      return;
    }
    for (int64_t p = 0; p < pixels; ++p, x += channels) {
      start[p] = static_cast<int32_t>(count);
      count += nonzeros(x, channels, static_cast<int32_t>(p * channels), place.data() + count, value.data() + count, other);
    }
    start[pixels] = static_cast<int32_t>(count);
  }
  void split(int64_t pixels, int64_t channels) {
    if (channels >= SPILL) return;
    int64_t e = 0;
    for (int64_t p = 0; p <= pixels; ++p) {
      for (; e < count && place[e] < p * channels; ++e) continue;
      start[p] = static_cast<int32_t>(e);
    }
  }
};

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

bool sparse_fits(const Conv2d& c) { return c.out_c % W == 0; }
bool sparse_filter_fits(const Conv2d& c) {
  return c.out_c % W == 0 && c.stride_h == 1 && c.stride_w == 1 && (c.k_w == 1 || c.k_w == 3 || c.k_w == 5);
}

std::unique_ptr<ConvRows> sparse_rows(const Conv2d& c, const float* kernel, int threads) {
  return std::make_unique<SparseRows>(c, kernel, threads);
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
