// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Convolutions and matrix products whose input is all 0 or 1, as spikes are, however many of them: sums of four weights
// are looked up (tables.h). What is computed is exact in real arithmetic. An input that turns out to hold other values
// goes the way of sparse inputs, which takes any.
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "../conv/rows.h"
#include "../cpu/floats.h"
#include "../pool/pool.h"
#include "../product/product.h"

namespace bidl {
namespace BIDL_ISA {

std::unique_ptr<ConvRows> sparse_rows(const Conv2d&, const float* kernel, int threads);
void sparse_filter_gradient(const Conv2d&, const float* x, const float* dy, float* dkernel);
void product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
void transposed_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);

namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "tables.h"

using Bytes = std::vector<uint8_t>;

int64_t up_to(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/// Output rows of a convolution: every tap's input channels in fours, and the tables of eight fours at a time over all
/// pixels at hand.
class LookupRows : public ConvRows {
 public:
  LookupRows(const Conv2d& c, const float* kernel, int threads)
      : c_(c), kernel_(kernel), threads_(threads), fours_(c.in_c / 4), per_tap_(up_to(fours_, TOGETHER)),
        across_((c.out_w - 1) * c.stride_w + c.k_w), tables_(c.k_h * c.k_w * per_tap_ * ENTRIES * c.out_c),
        scratch_(threads) {
    const int64_t taps = c.k_h * c.k_w;
    parallel(taps, [&](const Region& region) {
      int64_t begin, end;
      region.share(taps, begin, end);
      for (int64_t tap = begin; tap < end; ++tap) {
        each_block<MOST>(c.out_c, [&](int64_t column, auto n) {
          constexpr int N = decltype(n)::value;
          for (int64_t four = 0; four < per_tap_; ++four) {
            const float* rows = kernel + (tap * c.in_c + std::min(four, fours_ - 1) * 4) * c.out_c + column;
            subset_sums<N>(rows, c.out_c, four < fours_ ? 4 : 0, tables_at<N>(column, tap) + four * ENTRIES * N * W);
          }
        });
      }
    });
  }
  /// Pairs of rows, as pooling wants them, whose sums share the first-level cache with the tables.
  int64_t unit() const override {
    constexpr int64_t PIXELS = 100;
    return std::min(c_.out_h, std::max<int64_t>(2, PIXELS / c_.out_w / 2 * 2));
  }

  void compute(const float* image, int64_t first, int64_t rows, float* y, int thread) override {
    auto& own = scratch_[thread];
    if (own == nullptr) own = std::make_unique<Scratch>(c_, unit(), across_, per_tap_);
    if (!own->read(*this, image, first, rows)) return otherwise(image, first, rows, y, thread);
    each_block<MOST>(c_.out_c, [&](int64_t column, auto n) {
      constexpr int N = decltype(n)::value;
      for (int64_t tap = 0; tap < c_.k_h * c_.k_w; ++tap) {
        const float* tables = tables_at<N>(column, tap);
        for (int64_t four = 0; four < per_tap_; four += TOGETHER, tables += TOGETHER * ENTRIES * N * W) {
          const bool add = tap > 0 || four > 0;
          for (int64_t row = 0; row < rows; ++row) {
            const int64_t from = (row * c_.stride_h + tap / c_.k_w) * across_ + tap % c_.k_w;
            const uint8_t* which = &own->which[from * per_tap_ + four];
            float* to = y + row * c_.out_w * c_.out_c + column;
            for (int64_t x = 0; x < c_.out_w; ++x, which += c_.stride_w * per_tap_, to += c_.out_c) {
              add_entries<N>(tables, [&](int64_t g) { return which[g]; }, add, to);
            }
          }
        }
      }
    });
  }

 private:
  /// The inputs that some output rows see, in fours, with the zeros around the image.
  struct Scratch {
    Bytes bits, which;
    Scratch(const Conv2d& c, int64_t rows, int64_t across, int64_t per_tap)
        : bits(up_to(c.in_w * c.in_c, W)), which(((rows - 1) * c.stride_h + c.k_h) * across * per_tap) {}

    /// False where some value is neither 0 nor 1.
    bool read(const LookupRows& all, const float* image, int64_t first, int64_t rows) {
      const Conv2d& c = all.c_;
      bool other = false;
      const int64_t line = all.across_ * all.per_tap_;
      uint8_t* to = which.data();
      for (int64_t row = 0; row < (rows - 1) * c.stride_h + c.k_h; ++row, to += line) {
        const int64_t y = first * c.stride_h - c.pad_h + row;
        std::fill_n(to, line, uint8_t{0});
        if (y < 0 || y >= c.in_h) continue;
        const int64_t right = std::min(c.in_w, all.across_ - c.pad_w);
        const float* x = image + y * c.in_w * c.in_c;
        const int64_t size = c.in_w * c.in_c, whole = size / W * W;
        to_bits(x, whole, bits.data(), other);
        for (int64_t i = whole; i < size; ++i) {
          bits[i] = x[i] != 0.0f;
          other |= x[i] != 0.0f && x[i] != 1.0f;
        }
        for (int64_t p = 0; p < right; ++p) {
          pack_fours(&bits[p * c.in_c], c.in_c, to + (p + c.pad_w) * all.per_tap_);
        }
      }
      return !other;
    }
  };

  template <int N>
  float* tables_at(int64_t column, int64_t tap) {
    const int64_t of_block = ENTRIES * N * W * per_tap_;
    return tables_.data() + column * ENTRIES * per_tap_ * c_.k_h * c_.k_w + tap * of_block;
  }

  void otherwise(const float* image, int64_t first, int64_t rows, float* y, int thread) {
    std::call_once(once_, [&] { sparse_ = sparse_rows(c_, kernel_, threads_); });
    for (int64_t row = 0; row < rows; row += sparse_->unit()) {
      const int64_t here = std::min(sparse_->unit(), rows - row);
      sparse_->compute(image, first + row, here, y + row * c_.out_w * c_.out_c, thread);
    }
  }

  const Conv2d c_;
  const float* const kernel_;
  const int threads_;
  const int64_t fours_, per_tap_;  // of a pixel's channels; filled up to tables that go together
  const int64_t across_;           // input pixels that a row of outputs sees
  Floats tables_;                  // [block of columns][tap][four][entry][column]
  std::vector<std::unique_ptr<Scratch>> scratch_;
  std::once_flag once_;
  std::unique_ptr<ConvRows> sparse_;
};

/// Inputs by four pixels side by side: for every image, row and pixel of its padded copy and every channel the byte of
/// that pixel and the three to its right.
struct Runs {
  int64_t rows, across;
  Bytes which;  // [image][row][pixel][channel]

  explicit Runs(const Conv2d& c)
      : rows(c.out_h + c.k_h - 1), across(up_to(c.out_w, 4) - 4 + c.k_w), which(c.images * rows * across * c.in_c) {}

  /// False where some value is neither 0 nor 1.
  bool read(const Conv2d& c, const float* x) {
    std::atomic<bool> others{false};
    const int64_t lines = c.images * rows;
    parallel(lines * across * c.in_c / 16384 + 1, [&](const Region& region) {
      int64_t begin, end;
      region.share(lines, begin, end);
      // Bits of a row, with the pixels around it.
      Bytes bits((across + 3) * c.in_c);
      bool other = false;
      for (int64_t line = begin; line < end; ++line) {
        const int64_t image = line / rows, y = line % rows - c.pad_h;
        std::fill(bits.begin(), bits.end(), uint8_t{0});
        if (y >= 0 && y < c.in_h) {
          const int64_t right = std::min(c.in_w, across + 3 - c.pad_w);
          const float* from = x + (image * c.in_h + y) * c.in_w * c.in_c;
          to_bits(from, right * c.in_c, &bits[c.pad_w * c.in_c], other);
        }
        uint8_t* to = &which[line * across * c.in_c];
        for (int64_t i = 0; i < across * c.in_c; i += 8) {
          uint64_t run = 0;
          for (int j = 0; j < 4; ++j) {
            uint64_t eight;
            __builtin_memcpy(&eight, &bits[i + j * c.in_c], 8);
            run |= eight << j;
          }
          __builtin_memcpy(to + i, &run, 8);
        }
      }
      if (other) others = true;
    });
    return !others;
  }
};

}  // namespace

bool lookup_fits(const Conv2d& c) { return c.in_c % 4 == 0 && c.out_c % W == 0; }
bool lookup_filter_fits(const Conv2d& c) {
  return c.in_c % 16 == 0 && c.out_c % W == 0 && c.stride_h == 1 && c.stride_w == 1 &&
         (c.k_w == 1 || c.k_w == 3 || c.k_w == 5);
}

std::unique_ptr<ConvRows> lookup_rows(const Conv2d& c, const float* kernel, int threads) {
  return std::make_unique<LookupRows>(c, kernel, threads);
}

/// Sums of four pixels' gradients are looked up: their subsets are made once, and every tap and input channel names one.
void lookup_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  Runs runs(c);
  if (!runs.read(c, x)) return sparse_filter_gradient(c, x, dy, dkernel);
  const int64_t slices = std::min<int64_t>(4, c.images);  // each with a sum of its own, so that sums don't depend on threads
  const int64_t taps = c.k_h * c.k_w, blocks = (c.out_c + WIDTH - 1) / WIDTH;
  const int64_t inputs = taps * c.in_c, per_row = (c.out_w + 3) / 4, per_image = c.out_h * per_row;
  Floats sums(slices * inputs * c.out_c, 0.0f);
  parallel(slices * blocks, [&](const Region& region) {
    Floats tables(TOGETHER * ENTRIES * WIDTH);
    for (int64_t task = region.thread; task < slices * blocks; task += region.threads) {
      const int64_t slice = task / blocks, first = task % blocks * WIDTH;
      each_block<MOST>(std::min(WIDTH, c.out_c - first), [&](int64_t block, auto n) {
        constexpr int N = decltype(n)::value;
        const int64_t column = first + block;
        float* sum = sums.data() + slice * inputs * c.out_c + column * inputs;
        for (int64_t image = c.images * slice / slices; image < c.images * (slice + 1) / slices; ++image) {
          for (int64_t from = 0; from < per_image; from += TOGETHER) {
            const uint8_t* which[TOGETHER];
            for (int64_t g = 0; g < TOGETHER; ++g) {
              const int64_t run = std::min(from + g, per_image - 1), oy = run / per_row, ox = run % per_row * 4;
              const int64_t pixels = from + g < per_image ? std::min<int64_t>(4, c.out_w - ox) : 0;
              subset_sums<N>(dy + ((image * c.out_h + oy) * c.out_w + ox) * c.out_c + column, c.out_c, pixels,
                             &tables[g * ENTRIES * N * W]);
              which[g] = &runs.which[((image * runs.rows + oy) * runs.across + ox) * c.in_c];
            }
            for (int64_t tap = 0; tap < taps; ++tap) {
              const int64_t shift = (tap / c.k_w * runs.across + tap % c.k_w) * c.in_c;
              float* to = sum + tap * c.in_c * N * W;
              for (int64_t k = 0; k < c.in_c; ++k, to += N * W) {
                add_entries<N>(tables.data(), [&](int64_t g) { return which[g][shift + k]; }, true, to);
              }
            }
          }
        }
      });
    }
  });
  parallel(inputs * c.out_c / 16384 + 1, [&](const Region& region) {
    int64_t begin, end;
    region.share(inputs, begin, end);
    each_block<MOST>(c.out_c, [&](int64_t column, auto n) {
      constexpr int N = decltype(n)::value;
      for (int64_t k = begin; k < end; ++k) {
        const float* from = sums.data() + column * inputs + k * N * W;
        for (int64_t i = 0; i < N * W; i += W) {
          vf total = load(from + i);
          for (int64_t slice = 1; slice < slices; ++slice) total += load(from + slice * inputs * c.out_c + i);
          store(dkernel + k * c.out_c + column + i, total);
        }
      }
    });
  });
}

void lookup_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y) {
  const int64_t fours = k / 4, per_row = up_to(fours, TOGETHER);
  Bytes which(m * per_row, 0);
  std::atomic<bool> others{false};
  parallel(m * k / 16384 + 1, [&](const Region& region) {
    int64_t begin, end;
    region.share(m, begin, end);
    Bytes bits(k);
    bool other = false;
    for (int64_t row = begin; row < end; ++row) {
      to_bits(a + row * k, k, bits.data(), other);
      pack_fours(bits.data(), k, &which[row * per_row]);
    }
    if (other) others = true;
  });
  if (others) return product(a, b, m, k, n, y);
  const int64_t blocks = (n + WIDTH - 1) / WIDTH;
  parallel(blocks, [&](const Region& region) {
    Floats tables(TOGETHER * ENTRIES * WIDTH);
    for (int64_t task = region.thread; task < blocks; task += region.threads) {
      each_block<MOST>(std::min(WIDTH, n - task * WIDTH), [&](int64_t block, auto vectors) {
        constexpr int N = decltype(vectors)::value;
        const int64_t column = task * WIDTH + block;
        for (int64_t four = 0; four < fours; four += TOGETHER) {
          for (int64_t g = 0; g < TOGETHER; ++g) {
            const int64_t at = std::min(four + g, fours - 1);
            subset_sums<N>(b + at * 4 * n + column, n, four + g < fours ? 4 : 0, &tables[g * ENTRIES * N * W]);
          }
          const uint8_t* entries = &which[four];
          float* to = y + column;
          for (int64_t row = 0; row < m; ++row, entries += per_row, to += n) {
            add_entries<N>(tables.data(), [&](int64_t g) { return entries[g]; }, four > 0, to);
          }
        }
      });
    }
  });
}

void lookup_transposed_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y) {
  // The gradient of a 1x1 convolution over one row of m pixels.
  const Conv2d c{1, 1, m, k, 1, m, n, 1, 1, 1, 1, 0, 0};
  lookup_filter_gradient(c, a, b, y);
}

bool lookup_product_fits(int64_t k, int64_t n) { return k % 16 == 0 && n % W == 0; }

}  // namespace BIDL_ISA
}  // namespace bidl
