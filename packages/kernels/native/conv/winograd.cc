// Compiled once per instruction set, with fused multiply-add where it has it.
//
// 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(2x2, 3x3): 16 multiplications where the direct form
// takes 36, for each 2x2 block of outputs, channel of the input and channel of the output. The transforms add, subtract
// and halve only, so rounding stays within a few units in the last place of the direct form.
// Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks".
#include "rows.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "../cpu/aligned.h"
#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/gemm.h"
#include "../cpu/transpose.h"
#include "tiles.h"

constexpr int64_t BLOCK = 36;  // tiles that a walk over the weights serves at least, over whole batches

/// The outputs of tiles [first, first + count), from[point][tile][channel], by Aᵀ = (1 1 1 0, 0 1 -1 -1).
void transform_output(const float* from, const Tiles& tiles, int64_t first, int64_t count, const Conv2d& c, float* y) {
  const int64_t plane = count * c.out_c, line = c.out_w * c.out_c;
  Place at(tiles, first);
  for (int64_t t = 0; t < count; ++t, at.next(), from += c.out_c) {
    float* to = y + (at.image * c.out_h + at.y) * line + at.x * c.out_c;
    const bool right = at.x + 1 < c.out_w, below = at.y + 1 < c.out_h;
    for (int64_t k = 0; k < c.out_c; k += W) {
      vf top[4], bottom[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const vf a = load(from + j * plane + k), b = load(from + (4 + j) * plane + k);
        const vf d = load(from + (8 + j) * plane + k), e = load(from + (12 + j) * plane + k);
        top[j] = a + b + d;
        bottom[j] = b - d - e;
      }
      store(to + k, top[0] + top[1] + top[2]);
      if (right) store(to + c.out_c + k, top[1] - top[2] - top[3]);
      if (!below) continue;
      store(to + line + k, bottom[0] + bottom[1] + bottom[2]);
      if (right) store(to + line + c.out_c + k, bottom[1] - bottom[2] - bottom[3]);
    }
  }
}

/// G of a line of weights: (g0, (g0 + g1 + g2)/2, (g0 - g1 + g2)/2, g2).
inline void weight_line(vf a, vf b, vf c, vf* into, int64_t step) {
  const vf outer = 0.5f * (a + c), inner = 0.5f * b;
  into[0] = a;
  into[step] = outer + inner;
  into[2 * step] = outer - inner;
  into[3 * step] = c;
}

/// The transformed kernel, packed for the products: [point][panel of outputs][input][column]. For the gradient in the
/// input the kernel is turned by half a turn, and its inputs and outputs change places.
void transform_weights(const Conv2d& c, const float* kernel, bool turned, float* into) {
  const int64_t in = turned ? c.out_c : c.in_c, out = turned ? c.in_c : c.out_c;
  const Panels panels{out};
  const auto transform = [&](const vf* g, int64_t step, int64_t i, int64_t o) {
    vf half[12], all[16];
    for (int j = 0; j < 3; ++j) weight_line(g[j * step], g[(3 + j) * step], g[(6 + j) * step], half + j, 3);
    for (int j = 0; j < 4; ++j) weight_line(half[3 * j], half[3 * j + 1], half[3 * j + 2], all + 4 * j, 1);
    const int64_t panel = o / (PANEL * W), width = panels.vectors(panel) * W;
    float* to = into + panel * PANEL * W * in + i * width + o % (PANEL * W);
    for (int point = 0; point < POINTS; ++point) store(to + point * in * out, all[point]);
  };
  parallel(in / W, [&](const Region& region) {
    int64_t begin, end;
    region.share(in / W, begin, end);
    for (int64_t i = begin * W; i < end * W; i += W) {
      for (int64_t o = 0; o < out; o += W) {
        vf g[9 * W];  // [tap][input]
        for (int k = 0; k < 9; ++k) {
          const float* from = kernel + (turned ? ((8 - k) * c.in_c + o) * c.out_c + i : (k * c.in_c + i) * c.out_c + o);
          for (int j = 0; j < W; ++j) g[k * W + j] = load(from + j * c.out_c);
          if (turned) transpose(g + k * W);
        }
        for (int j = 0; j < W; ++j) transform(g + j, W, i + j, o);
      }
    }
  });
}

class WinogradRows : public ConvRows {
 public:
  /// @param turned for the gradient in the input: see transform_weights
  /// @param spread of the images: the stride of the convolution whose gradient this is
  WinogradRows(const Conv2d& c, const float* kernel, bool turned, const Conv2d& kernel_of, int64_t spread, int threads)
      : c_(c),
        spread_(spread),
        tiles_(c),
        panels_{c.out_c},
        zeros_(c.in_c, 0.0f),
        weights_(POINTS * c.in_c * c.out_c),
        scratch_(threads) {
    transform_weights(kernel_of, kernel, turned, weights_.data());
    // Enough tiles for a walk over the weights to pay, few enough for their values to stay close.
    const int64_t fit = std::max<int64_t>(1, tiles_near(c.in_c + c.out_c, NEAR) / tiles_.across);
    unit_ = 2 * std::min(tiles_.down, fit);
  }
  int64_t unit() const override { return unit_; }

  void compute(const float* image, int64_t first, int64_t rows, float* y, int thread) override {
    const int64_t count = (rows + 1) / 2 * tiles_.across, tile = first / 2 * tiles_.across;
    compute_tiles(image, tile, count, y - first * c_.out_w * c_.out_c, scratch_[thread]);
  }

  /// All images. Small ones are computed together: each walk over the weights serves BLOCK tiles at least.
  void all(const float* x, float* y) {
    const int64_t block = std::max(tiles_near(c_.in_c + c_.out_c, NEAR), BLOCK);
    const int64_t blocks = (tiles_.count + block - 1) / block;
    parallel(blocks, [&](const Region& region) {
      int64_t begin, end;
      region.share(blocks, begin, end);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = tiles_.count * i / blocks;
        compute_tiles(x, first, tiles_.count * (i + 1) / blocks - first, y, scratch_[region.thread]);
      }
    });
  }

 private:
  struct Own {
    int64_t tiles = 0;  // that it has room for
    Scratch in, out;
  };

  void compute_tiles(const float* x, int64_t first, int64_t count, float* y, Own& own) {
    if (count > own.tiles) own = {count, Scratch(POINTS * count * c_.in_c), Scratch(POINTS * count * c_.out_c)};
    const Images images = {x, c_.in_h, c_.in_w, c_.in_c, c_.pad_h, c_.pad_w, spread_};
    transform_input(images, tiles_, first, count, zeros_.data(), own.in.data(), count * c_.in_c, c_.in_c);
    for (int64_t point = 0; point < POINTS; ++point) {
      const float* from = own.in.data() + point * count * c_.in_c;
      float* to = own.out.data() + point * count * c_.out_c;
      for (int64_t panel = 0; panel < panels_.count(); ++panel) {
        const float* columns = weights_.data() + point * c_.in_c * c_.out_c + panel * PANEL * W * c_.in_c;
        panel_product(panels_.vectors(panel), count, from, c_.in_c, 1, columns, c_.in_c, to + panel * PANEL * W, c_.out_c,
                      false);
      }
    }
    transform_output(own.out.data(), tiles_, first, count, c_, y);
  }

  const Conv2d c_;
  const int64_t spread_;
  const Tiles tiles_;
  const Panels panels_;
  const Floats zeros_;
  const Scratch weights_;
  std::vector<Own> scratch_;
  int64_t unit_;
};

}  // namespace

bool winograd_gradient_fits(const Conv2d& c) {
  return c.k_h == 3 && c.k_w == 3 && c.stride_h == c.stride_w && c.stride_h <= 2 && c.pad_h <= 2 && c.pad_w <= 2 &&
         c.in_c % W == 0 && c.out_c % W == 0;
}

bool winograd_fits(const Conv2d& c) { return winograd_gradient_fits(c) && c.stride_h == 1; }

std::unique_ptr<ConvRows> winograd_rows(const Conv2d& c, const float* kernel, int threads) {
  return std::make_unique<WinogradRows>(c, kernel, false, c, 1, threads);
}

void winograd_forward(const Conv2d& c, const float* x, const float* kernel, float* y) {
  WinogradRows(c, kernel, false, c, 1, thread_count()).all(x, y);
}

void winograd_input_gradient(const Conv2d& c, const float* dy, const float* kernel, float* dx) {
  const Conv2d back = {c.images, c.out_h, c.out_w, c.out_c, c.in_h, c.in_w, c.in_c, 3, 3, 1, 1, 2 - c.pad_h, 2 - c.pad_w};
  WinogradRows(back, kernel, true, c, c.stride_h, thread_count()).all(dy, dx);
}

}  // namespace BIDL_ISA
}  // namespace bidl
