// Compiled once per instruction set.
//
// 3x3 convolutions whose input is all 0 or 1, as spikes are, however many of them: the sums of all subsets of eight input
// channels' weights are looked up, so that one addition does for eight. Tables of the nine taps for a block of outputs stay
// in the second-level cache while the pixels of many images pass. Nothing is approximated. An input that turns out to hold
// other values goes the way of sparse ones, which takes any.
#include <algorithm>
#include <atomic>
#include <type_traits>
#include <vector>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "rows.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "../product/tables.h"
#include "../product/eights.h"

constexpr int64_t EIGHT = 8, SUBSETS = 256, TAPS = 9;
constexpr int64_t CLOSE = 3200;  // pixels whose sums stay close, enough to make up for their tables

/// The sums of every subset of eight rows of N vectors, `stride` floats apart.
template <int N>
void sums_of_eight(const float* rows, int64_t stride, float* table) {
  alignas(64) float low[ENTRIES * N * W], high[ENTRIES * N * W];
  subset_sums<N>(rows, stride, 4, low);
  subset_sums<N>(rows + 4 * stride, stride, 4, high);
  for (int64_t h = 0; h < ENTRIES; ++h) {
    for (int64_t l = 0; l < ENTRIES; ++l, table += N * W) {
      for (int64_t i = 0; i < N * W; i += W) store(table + i, load(high + h * N * W + i) + load(low + l * N * W + i));
    }
  }
}

/// N vectors (+)= the entries that three neighbours in each of three rows name, one in each tap's table.
template <int N>
inline void add_taps(const float* tables, const uint8_t* const* rows, int64_t at, bool add, float* y) {
  add_named<N, TAPS, SUBSETS>(tables, [=](int64_t tap) { return rows[tap / 3][at + tap % 3]; }, add, y);
}

/// Which of its channels every pixel has, a byte for eight of them: [eight][image][row][column], in a frame of zeros.
class Spikes {
 public:
  explicit Spikes(const Conv2d& c)
      : c_(c), height_((c.out_h - 1) * c.stride_h + 3), width_((c.out_w - 1) * c.stride_w + 3),
        bytes_(c.in_c / EIGHT * c.images * height_ * width_, 0) {}

  int64_t width() const { return width_; }
  const uint8_t* image(int64_t eight, int64_t image) const { return &bytes_[(eight * c_.images + image) * height_ * width_]; }

  /// False where x holds anything but 0 and 1.
  bool read(const float* x) {
    return only_spikes(c_.images, c_.images, [&](int64_t begin, int64_t end, bool& other) {
      Eights eights;
      const int64_t rows = std::min(c_.in_h, height_ - c_.pad_h), columns = std::min(c_.in_w, width_ - c_.pad_w);
      for (int64_t image = begin; image < end; ++image) {
        for (int64_t i = 0; i < rows * columns; ++i) {
          const int64_t row = i / columns, column = i % columns;
          const float* pixel = x + ((image * c_.in_h + row) * c_.in_w + column) * c_.in_c;
          uint8_t* to = &bytes_[(image * height_ + row + c_.pad_h) * width_ + column + c_.pad_w];
          for (int64_t k = 0; k < c_.in_c; k += EIGHT, to += c_.images * height_ * width_) *to = eights.of(pixel + k);
        }
      }
      other = eights.other();
    });
  }

 private:
  const Conv2d c_;
  int64_t height_, width_;
  std::vector<uint8_t> bytes_;
};

/// N vectors of the outputs of images [first, end), from column on.
template <int N>
void sum_block(const Conv2d& c, const Spikes& spikes, const float* kernel, int64_t first, int64_t end, int64_t column,
               float* tables, float* sums, float* y) {
  for (int64_t eight = 0; eight < c.in_c / EIGHT; ++eight) {
    for (int64_t tap = 0; tap < TAPS; ++tap) {
      sums_of_eight<N>(kernel + (tap * c.in_c + eight * EIGHT) * c.out_c + column, c.out_c, tables + tap * SUBSETS * N * W);
    }
    float* to = sums;
    for (int64_t image = first; image < end; ++image) {
      const uint8_t* row = spikes.image(eight, image);
      for (int64_t oy = 0; oy < c.out_h; ++oy, row += c.stride_h * spikes.width()) {
        const uint8_t* const rows[] = {row, row + spikes.width(), row + 2 * spikes.width()};
        for (int64_t ox = 0; ox < c.out_w; ++ox, to += N * W) add_taps<N>(tables, rows, ox * c.stride_w, eight > 0, to);
      }
    }
  }
  float* to = y + first * c.out_h * c.out_w * c.out_c + column;
  for (int64_t pixel = 0; pixel < (end - first) * c.out_h * c.out_w; ++pixel, to += c.out_c) {
    for (int64_t i = 0; i < N * W; i += W, sums += W) store(to + i, load(sums));
  }
}

}  // namespace

std::unique_ptr<ConvRows> sparse_rows(const Conv2d& c, const float* kernel, int threads);

bool lookup_convolution_fits(const Conv2d& c) {
  return c.k_h == 3 && c.k_w == 3 && c.pad_h <= 2 && c.pad_w <= 2 && c.in_c % (2 * EIGHT) == 0 && c.out_c % W == 0;
}

void lookup_convolution(const Conv2d& c, const float* x, const float* kernel, float* y) {
  Spikes spikes(c);
  if (!spikes.read(x)) return all_rows(c, *sparse_rows(c, kernel, thread_count()), x, y);
  const int64_t pixels = c.out_h * c.out_w, most = std::max<int64_t>(1, CLOSE / pixels);
  const int64_t parts = (c.images + most - 1) / most, blocks = (c.out_c + WIDTH - 1) / WIDTH, tasks = parts * blocks;
  parallel(tasks, [&](const Region& region) {
    const Scratch tables(TAPS * SUBSETS * WIDTH), sums(std::min(c.images, most) * pixels * WIDTH);
    int64_t begin, end;
    region.share(tasks, begin, end);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task / blocks, column = task % blocks * WIDTH;
      const int64_t first = c.images * part / parts, last = c.images * (part + 1) / parts;
      each_block<MOST>(std::min(WIDTH, c.out_c - column), [&](int64_t at, auto vectors) {
        sum_block<decltype(vectors)::value>(c, spikes, kernel, first, last, column + at, tables.data(), sums.data(), y);
      });
    }
  });
}

}  // namespace BIDL_ISA
}  // namespace bidl
