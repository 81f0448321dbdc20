// Compiled once per instruction set.
//
// Gradients in the kernel of convolutions whose input is all 0 or 1, as spikes are, however many of them: the sums of all
// subsets of four images' gradients are looked up, so that one addition does for four images. At a pixel of the output the
// tables of 32 images serve every tap and channel that it sees; taps outside the image cost nothing. Nothing is
// approximated. An input that turns out to hold other values goes the way of sparse ones, which takes any.
#include <algorithm>
#include <atomic>
#include <type_traits>
#include <vector>

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "conv.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "../product/tables.h"

constexpr int64_t BATCH = 4 * TOGETHER;  // images that stand in the tables that lie together

/// Which images have a spike, a byte for four of them: [batch][pixel][channel][four].
class Spikes {
 public:
  explicit Spikes(const Conv2d& c)
      : c_(c), pixels_(c.in_h * c.in_w), batches_((c.images + BATCH - 1) / BATCH),
        bytes_(batches_ * pixels_ * c.in_c * TOGETHER, 0) {}

  int64_t batches() const { return batches_; }
  const uint8_t* at(int64_t batch, int64_t pixel) const { return &bytes_[(batch * pixels_ + pixel) * c_.in_c * TOGETHER]; }

  /// False where x holds anything but 0 and 1.
  bool read(const float* x) {
    return only_spikes(batches_ * pixels_, batches_ * pixels_, [&](int64_t begin, int64_t end, bool& other) {
      std::vector<uint8_t> bits(c_.in_c);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i / pixels_ * BATCH, last = std::min(first + BATCH, c_.images);
        for (int64_t image = first; image < last; ++image) {
          to_bits(x + (image * pixels_ + i % pixels_) * c_.in_c, c_.in_c, bits.data(), other);
          uint8_t* to = &bytes_[i * c_.in_c * TOGETHER + (image - first) / 4];
          for (int64_t k = 0; k < c_.in_c; ++k) to[k * TOGETHER] |= static_cast<uint8_t>(bits[k] << (image % 4));
        }
      }
    });
  }

 private:
  const Conv2d c_;
  int64_t pixels_, batches_;
  std::vector<uint8_t> bytes_;
};

/// N vectors of outputs, from column on, of kernel row ky: [tap][input][N vectors] into `sums`.
template <int N>
void sum_row(const Conv2d& c, const Spikes& spikes, const float* dy, int64_t ky, int64_t column, float* tables, float* sums) {
  const int64_t image = c.out_h * c.out_w * c.out_c;
  std::fill_n(sums, c.k_w * c.in_c * N * W, 0.0f);
  for (int64_t batch = 0; batch < spikes.batches(); ++batch) {
    for (int64_t oy = 0; oy < c.out_h; ++oy) {
      const int64_t iy = oy * c.stride_h - c.pad_h + ky;
      if (iy < 0 || iy >= c.in_h) continue;
      for (int64_t ox = 0; ox < c.out_w; ++ox) {
        for (int64_t four = 0; four < TOGETHER; ++four) {
          const int64_t first = batch * BATCH + four * 4, count = std::clamp<int64_t>(c.images - first, 0, 4);
          const float* rows = dy + std::min(first, c.images - 1) * image + (oy * c.out_w + ox) * c.out_c + column;
          subset_sums<N>(rows, image, count, tables + four * ENTRIES * N * W);
          for (int64_t i = 0; i < count; ++i) {
            for (int64_t line = 0; line < N * W; line += 16) __builtin_prefetch(rows + i * image + c.out_c + line);
          }
        }
        for (int64_t kx = 0; kx < c.k_w; ++kx) {
          const int64_t ix = ox * c.stride_w - c.pad_w + kx;
          if (ix < 0 || ix >= c.in_w) continue;
          const uint8_t* names = spikes.at(batch, iy * c.in_w + ix);
          float* to = sums + kx * c.in_c * N * W;
          for (int64_t k = 0; k < c.in_c; ++k, names += TOGETHER, to += N * W) add_entries<N>(tables, names, true, to);
        }
      }
    }
  }
}

}  // namespace

bool sparse_filter_fits(const Conv2d& c);
void sparse_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel);

bool lookup_filter_fits(const Conv2d& c) { return c.in_c % 16 == 0 && sparse_filter_fits(c); }

void lookup_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  Spikes spikes(c);
  if (!spikes.read(x)) return sparse_filter_gradient(c, x, dy, dkernel);
  const int64_t blocks = (c.out_c + WIDTH - 1) / WIDTH, tasks = blocks * c.k_h;
  parallel(tasks, [&](const Region& region) {
    const Scratch tables(TOGETHER * ENTRIES * WIDTH), sums(c.k_w * c.in_c * WIDTH);
    int64_t begin, end;
    region.share(tasks, begin, end);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t ky = task % c.k_h, first = task / c.k_h * WIDTH;
      each_block<MOST>(std::min(WIDTH, c.out_c - first), [&](int64_t at, auto vectors) {
        constexpr int N = decltype(vectors)::value;
        sum_row<N>(c, spikes, dy, ky, first + at, tables.data(), sums.data());
        const float* from = sums.data();
        float* to = dkernel + ky * c.k_w * c.in_c * c.out_c + first + at;
        for (int64_t row = 0; row < c.k_w * c.in_c; ++row, to += c.out_c) {
          for (int64_t i = 0; i < N * W; i += W, from += W) store(to + i, load(from));
        }
      });
    }
  });
}

}  // namespace BIDL_ISA
}  // namespace bidl
