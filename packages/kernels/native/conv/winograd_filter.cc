// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Gradients in the kernel of 3x3 convolutions of stride 1, by Winograd's form (winograd.cc): the transforms of its passes
// turned round.
#include <algorithm>

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "conv.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/gemm.h"
#include "tiles.h"

constexpr int64_t FAR = int64_t{4} << 20;  // bytes of tiles that are transformed before their products are summed
constexpr int64_t LINE = 16;                // floats of a cache line
constexpr int64_t NARROW = 64 * 64;        // weights of a tap whose sums stay close
constexpr int64_t SLICES = 4;              // of the tiles, each with a sum of its own, so that sums don't depend on threads

/// Transforms the gradients of tiles [first, first + count): into[point][panel][tile][column], by (1 0, ½ ½, ½ -½, 0 1).
/// They are the tiles from `offset` on of `room`.
void transform_gradient(const float* dy, const Conv2d& c, const Tiles& tiles, int64_t first, int64_t count,
                        const Panels& panels, float* into, int64_t offset, int64_t room) {
  const int64_t plane = room * c.out_c, line = c.out_w * c.out_c;
  Place at(tiles, first);
  for (int64_t t = 0; t < count; ++t, at.next()) {
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
void finish_filter(const Conv2d& c, const float* sums, int64_t slices, float* dkernel) {
  const int64_t size = POINTS * c.in_c * c.out_c;
  parallel(c.in_c, [&](const Region& region) {
    int64_t begin, end;
    region.share(c.in_c, begin, end);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t o = 0; o < c.out_c; o += W) {
        vf all[16], half[12], g[9];
        for (int point = 0; point < POINTS; ++point) {
          const float* from = sums + (point * c.in_c + i) * c.out_c + o;
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
    const Scratch in(POINTS * block * c.in_c), out(POINTS * block * c.out_c);
    for (int64_t slice = region.thread; slice < SLICES; slice += region.threads) {
      float* sum = sums.data() + slice * size;
      const int64_t end = tiles.count * (slice + 1) / SLICES;
      for (int64_t first = tiles.count * slice / SLICES, count; first < end; first += count) {
        count = std::min(block, end - first);
        transform_input(images, tiles, first, count, zeros.data(), in.data(), count * c.in_c, c.in_c);
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
  finish_filter(c, sums.data(), SLICES, dkernel);
}

/// Many channels: the sums are far larger than the caches, so that as many tiles as fit are transformed first, and each
/// thread walks over its part of the sums.
void filter_by_points(const Conv2d& c, const Images& images, const float* dy, float* dkernel) {
  const Tiles tiles(c);
  const Panels panels{c.out_c};
  const int64_t row = c.in_c + LINE;  // a product's walk along a channel meets all sets of the cache, not every eighth
  const int64_t block = std::min(tiles.count, tiles_near(row + c.out_c, FAR));
  const Floats zeros(c.in_c, 0.0f);
  const Scratch sums(POINTS * c.in_c * c.out_c), in(POINTS * block * row), out(POINTS * block * c.out_c);
  for (int64_t first = 0, count; first < tiles.count; first += count) {
    count = std::min(block, tiles.count - first);
    parallel(count, [&](const Region& region) {
      int64_t begin, end;
      region.share(count, begin, end);
      transform_input(images, tiles, first + begin, end - begin, zeros.data(), in.data() + begin * row, count * row, row);
      transform_gradient(dy, c, tiles, first + begin, end - begin, panels, out.data(), begin, count);
      region.barrier.wait();
      region.share(POINTS * panels.count(), begin, end);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t point = i / panels.count(), panel = i % panels.count();
        const float* columns = out.data() + point * count * c.out_c + panel * PANEL * W * count;
        panel_product(panels.vectors(panel), c.in_c, in.data() + point * count * row, 1, row, columns, count,
                      sums.data() + point * c.in_c * c.out_c + panel * PANEL * W, c.out_c, first > 0);
      }
    });
  }
  finish_filter(c, sums.data(), 1, dkernel);
}

}  // namespace

void winograd_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  const Images images = {x, c.in_h, c.in_w, c.in_c, c.pad_h, c.pad_w, 1};
  (c.in_c * c.out_c <= NARROW ? filter_by_tiles : filter_by_points)(c, images, dy, dkernel);
}

}  // namespace BIDL_ISA
}  // namespace bidl
