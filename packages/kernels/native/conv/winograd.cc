// Compiled once per instruction set, with fused multiply-add where it has it.
//
// 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(2x2, 3x3): 16 multiplications where the direct form
// takes 36, for each 2x2 block of outputs, channel of the input and channel of the output. The transforms add, subtract
// and halve only, so rounding stays within a few units in the last place of the direct form.
// Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks".
#include "rows.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "../cpu/aligned.h"
#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/gemm.h"

constexpr int POINTS = 16;                       // of a transformed 4x4 tile
constexpr int64_t NEAR = int64_t{288} * 1024;    // bytes that a core's second-level cache holds beside the weights
constexpr int64_t BLOCK = 36;                    // tiles that a walk over the weights serves at least, over whole batches
constexpr int64_t FAR = int64_t{4} << 20;        // bytes of tiles that are transformed before their products are summed
constexpr int64_t NARROW = 64 * 64;              // weights of a tap whose sums stay close
constexpr int64_t SLICES = 4;                    // of the tiles, each with a sum of its own, so that sums don't depend on threads

/// The tiles of a convolution, 2x2 outputs each, counted over rows, columns and images.
struct Tiles {
  int64_t across, down, count;
  explicit Tiles(const Conv2d& c)
      : across((c.out_w + 1) / 2), down((c.out_h + 1) / 2), count(across * down * c.images) {}
};

struct Place {
  int64_t image, y, x;  // of the tile's first output
};

Place place(const Tiles& tiles, int64_t t) {
  const int64_t per_image = tiles.across * tiles.down, in_image = t % per_image;
  return {t / per_image, in_image / tiles.across * 2, in_image % tiles.across * 2};
}

/// Bᵀ of one line: (d0 - d2, d1 + d2, d2 - d1, d1 - d3).
inline void input_line(vf& a, vf& b, vf& c, vf& d) {
  const vf first = a - c, second = b + c, third = c - b, fourth = b - d;
  a = first;
  b = second;
  c = third;
  d = fourth;
}

/// Images [images, h, w, channels] as tiles see them: `pad_h` rows and `pad_w` columns of zeros before each, `spread` - 1
/// between its rows and columns.
struct Images {
  const float* x;
  int64_t h, w, channels, pad_h, pad_w, spread;
};

/// Transforms tiles [first, first + count): into[point][tile][channel], `plane` values a point.
/// The tile of output (y, x) starts at (y - pad_h, x - pad_w).
void transform_input(const Images& of, const Tiles& tiles, int64_t first, int64_t count, const float* zeros, float* into,
                     int64_t plane) {
  for (int64_t t = 0; t < count; ++t, into += of.channels) {
    const Place at = place(tiles, first + t);
    const float* image = of.x + at.image * of.h * of.w * of.channels;
    const float* from[POINTS];
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t iy = at.y - of.pad_h + i, sy = iy / of.spread;
      for (int64_t j = 0; j < 4; ++j) {
        const int64_t ix = at.x - of.pad_w + j, sx = ix / of.spread;
        const bool inside = iy >= 0 && sy < of.h && ix >= 0 && sx < of.w && iy % of.spread == 0 && ix % of.spread == 0;
        from[i * 4 + j] = inside ? image + (sy * of.w + sx) * of.channels : zeros;
      }
    }
    for (int64_t k = 0; k < of.channels; k += W) {
      vf d[POINTS];
#pragma GCC unroll 16
      for (int i = 0; i < POINTS; ++i) d[i] = load(from[i] + k);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) input_line(d[j], d[4 + j], d[8 + j], d[12 + j]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) input_line(d[4 * i], d[4 * i + 1], d[4 * i + 2], d[4 * i + 3]);
#pragma GCC unroll 16
      for (int i = 0; i < POINTS; ++i) store(into + i * plane + k, d[i]);
    }
  }
}

/// The outputs of tiles [first, first + count), from[point][tile][channel], by Aᵀ = (1 1 1 0, 0 1 -1 -1).
void transform_output(const float* from, const Tiles& tiles, int64_t first, int64_t count, const Conv2d& c, float* y) {
  const int64_t plane = count * c.out_c, line = c.out_w * c.out_c;
  for (int64_t t = 0; t < count; ++t, from += c.out_c) {
    const Place at = place(tiles, first + t);
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

/// Columns in panels of PANEL vectors, the last one smaller.
struct Panels {
  int64_t columns;
  int64_t count() const { return (columns + PANEL * W - 1) / (PANEL * W); }
  int64_t vectors(int64_t panel) const { return std::min<int64_t>(PANEL, columns / W - panel * PANEL); }
};

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
  parallel(panels.count(), [&](const Region& region) {
    int64_t begin, end;
    region.share(in, begin, end);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t o = 0; o < out; o += W) {
        vf g[9], half[12], all[16];
        for (int k = 0; k < 9; ++k) {
          if (turned) {
            const float* from = kernel + (8 - k) * c.in_c * c.out_c + i;
            for (int lane = 0; lane < W; ++lane) g[k][lane] = from[(o + lane) * c.out_c];
          } else {
            g[k] = load(kernel + (k * c.in_c + i) * c.out_c + o);
          }
        }
        for (int j = 0; j < 3; ++j) weight_line(g[j], g[3 + j], g[6 + j], half + j, 3);
        for (int j = 0; j < 4; ++j) weight_line(half[3 * j], half[3 * j + 1], half[3 * j + 2], all + 4 * j, 1);
        const int64_t panel = o / (PANEL * W), width = panels.vectors(panel) * W;
        float* to = into + panel * PANEL * W * in + i * width + o % (PANEL * W);
        for (int point = 0; point < POINTS; ++point) store(to + point * in * out, all[point]);
      }
    }
  });
}

/// Tiles that fit the cache when each needs `channels` values at every point.
int64_t tiles_near(int64_t channels, int64_t bytes) {
  const int64_t fit = bytes / (POINTS * channels * static_cast<int64_t>(sizeof(float)));
  return std::max<int64_t>(ROWS, fit / ROWS * ROWS);
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
  struct Scratch {
    Floats in, out;
  };

  void compute_tiles(const float* x, int64_t first, int64_t count, float* y, Scratch& own) {
    own.in.resize(std::max<size_t>(own.in.size(), POINTS * count * c_.in_c));
    own.out.resize(std::max<size_t>(own.out.size(), POINTS * count * c_.out_c));
    const Images images = {x, c_.in_h, c_.in_w, c_.in_c, c_.pad_h, c_.pad_w, spread_};
    transform_input(images, tiles_, first, count, zeros_.data(), own.in.data(), count * c_.in_c);
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
  Floats weights_;
  std::vector<Scratch> scratch_;
  int64_t unit_;
};

/// Transforms the gradients of tiles [first, first + count): into[point][panel][tile][column], by (1 0, ½ ½, ½ -½, 0 1).
/// They are the tiles from `offset` on of `room`.
void transform_gradient(const float* dy, const Conv2d& c, const Tiles& tiles, int64_t first, int64_t count,
                        const Panels& panels, float* into, int64_t offset, int64_t room) {
  const int64_t plane = room * c.out_c, line = c.out_w * c.out_c;
  for (int64_t t = 0; t < count; ++t) {
    const Place at = place(tiles, first + t);
    const float* from = dy + (at.image * c.out_h + at.y) * line + at.x * c.out_c;
    const bool right = at.x + 1 < c.out_w, below = at.y + 1 < c.out_h;
    for (int64_t k = 0; k < c.out_c; k += W) {
      const vf none{};
      const vf a = load(from + k), b = right ? load(from + c.out_c + k) : none;
      const vf d = below ? load(from + line + k) : none, e = below && right ? load(from + line + c.out_c + k) : none;
      const vf left[4] = {a, 0.5f * (a + d), 0.5f * (a - d), d}, other[4] = {b, 0.5f * (b + e), 0.5f * (b - e), e};
      const int64_t panel = k / (PANEL * W), width = panels.vectors(panel) * W;
      float* to = into + panel * PANEL * W * room + (offset + t) * width + k % (PANEL * W);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i, to += 4 * plane) {
        store(to, left[i]);
        store(to + plane, 0.5f * (left[i] + other[i]));
        store(to + 2 * plane, 0.5f * (left[i] - other[i]));
        store(to + 3 * plane, other[i]);
      }
    }
  }
}

/// One line by (1 1 1 0, 0 1 -1 0, 0 1 1 -1).
inline void filter_line(vf a, vf b, vf c, vf d, vf* into, int64_t step) {
  into[0] = a + b + c;
  into[step] = b - c;
  into[2 * step] = b + c - d;
}

/// The gradient of the kernel from its transform, the sum of `slices` sums.
void finish_filter(const Conv2d& c, const Floats& sums, int64_t slices, float* dkernel) {
  const int64_t size = POINTS * c.in_c * c.out_c;
  parallel(c.in_c, [&](const Region& region) {
    int64_t begin, end;
    region.share(c.in_c, begin, end);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t o = 0; o < c.out_c; o += W) {
        vf all[16], half[12], g[9];
        for (int point = 0; point < POINTS; ++point) {
          const float* from = sums.data() + (point * c.in_c + i) * c.out_c + o;
          all[point] = load(from);
          for (int64_t slice = 1; slice < slices; ++slice) all[point] += load(from + slice * size);
        }
        for (int j = 0; j < 4; ++j) filter_line(all[j], all[4 + j], all[8 + j], all[12 + j], half + j, 4);
        for (int j = 0; j < 3; ++j) filter_line(half[4 * j], half[4 * j + 1], half[4 * j + 2], half[4 * j + 3], g + 3 * j, 1);
        for (int k = 0; k < 9; ++k) store(dkernel + (k * c.in_c + i) * c.out_c + o, g[k]);
      }
    }
  });
}

/// Few channels: the sums stay close, and every thread takes tiles through all of it.
void filter_by_tiles(const Conv2d& c, const Images& images, const float* dy, float* dkernel) {
  const Tiles tiles(c);
  const Panels panels{c.out_c};
  const int64_t size = POINTS * c.in_c * c.out_c;
  const int64_t block = tiles_near(c.in_c + c.out_c, NEAR);
  Floats sums(SLICES * size, 0.0f);
  parallel(SLICES, [&](const Region& region) {
    const Floats zeros(c.in_c, 0.0f);
    Floats in(POINTS * block * c.in_c), out(POINTS * block * c.out_c);
    for (int64_t slice = region.thread; slice < SLICES; slice += region.threads) {
      float* sum = sums.data() + slice * size;
      const int64_t end = tiles.count * (slice + 1) / SLICES;
      for (int64_t first = tiles.count * slice / SLICES, count; first < end; first += count) {
        count = std::min(block, end - first);
        transform_input(images, tiles, first, count, zeros.data(), in.data(), count * c.in_c);
        transform_gradient(dy, c, tiles, first, count, panels, out.data(), 0, count);
        for (int64_t point = 0; point < POINTS; ++point) {
          const float* rows = in.data() + point * count * c.in_c;
          for (int64_t panel = 0; panel < panels.count(); ++panel) {
            const float* columns = out.data() + point * count * c.out_c + panel * PANEL * W * count;
            panel_product(panels.vectors(panel), c.in_c, rows, 1, c.in_c, columns, count,
                          sum + point * c.in_c * c.out_c + panel * PANEL * W, c.out_c, true);
          }
        }
      }
    }
  });
  finish_filter(c, sums, SLICES, dkernel);
}

/// Many channels: the sums are far larger than the caches, so that as many tiles as fit are transformed first, and each
/// thread walks over its part of the sums.
void filter_by_points(const Conv2d& c, const Images& images, const float* dy, float* dkernel) {
  const Tiles tiles(c);
  const Panels panels{c.out_c};
  const int64_t block = std::min(tiles.count, tiles_near(c.in_c + c.out_c, FAR));
  const Floats zeros(c.in_c, 0.0f);
  Floats sums(POINTS * c.in_c * c.out_c), in(POINTS * block * c.in_c), out(POINTS * block * c.out_c);
  for (int64_t first = 0, count; first < tiles.count; first += count) {
    count = std::min(block, tiles.count - first);
    parallel(count, [&](const Region& region) {
      int64_t begin, end;
      region.share(count, begin, end);
      transform_input(images, tiles, first + begin, end - begin, zeros.data(), in.data() + begin * c.in_c, count * c.in_c);
      transform_gradient(dy, c, tiles, first + begin, end - begin, panels, out.data(), begin, count);
      region.barrier.wait();
      region.share(POINTS * panels.count(), begin, end);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t point = i / panels.count(), panel = i % panels.count();
        const float* columns = out.data() + point * count * c.out_c + panel * PANEL * W * count;
        panel_product(panels.vectors(panel), c.in_c, in.data() + point * count * c.in_c, 1, c.in_c, columns, count,
                      sums.data() + point * c.in_c * c.out_c + panel * PANEL * W, c.out_c, first > 0);
      }
    });
  }
  finish_filter(c, sums, 1, dkernel);
}

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

void winograd_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  const Images images = {x, c.in_h, c.in_w, c.in_c, c.pad_h, c.pad_w, 1};
  (c.in_c * c.out_c <= NARROW ? filter_by_tiles : filter_by_points)(c, images, dy, dkernel);
}

}  // namespace BIDL_ISA
}  // namespace bidl
