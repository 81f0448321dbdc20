// Compiled once per instruction set: pooling, by rows of the output.
#include <cmath>

#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
}  // namespace

void plan_pool(const Image& src, const Window& g, int64_t columns, bool average, int64_t row, int64_t last, float* dst,
               int64_t dst_step) {
  const int64_t line = g.in_w * src.step;
  dst += row * g.out_w * dst_step;
  for (int64_t oy = row; oy < last; ++oy) {
    const int64_t y = oy * g.stride_h - g.pad_h;
    const int64_t top = y < 0 ? 0 : y, bottom = y + g.k_h > g.in_h ? g.in_h : y + g.k_h;
    for (int64_t ox = 0; ox < g.out_w; ++ox, dst += dst_step) {
      const int64_t x = ox * g.stride_w - g.pad_w;
      const int64_t left = x < 0 ? 0 : x, right = x + g.k_w > g.in_w ? g.in_w : x + g.k_w;
      const vf share = splat(static_cast<float>(1.0 / static_cast<double>((bottom - top) * (right - left))));
      each(columns, [&](int64_t i, auto part) {
        vf all = splat(average ? 0.0f : -INFINITY);
        for (int64_t iy = top; iy < bottom; ++iy) {
          for (int64_t ix = left; ix < right; ++ix) {
            const vf here = part.get(src.data + iy * line + ix * src.step + i);
            all = average ? all + here : choose(here > all, here, all);
          }
        }
        part.put(dst + i, average ? all * share : all);
      });
    }
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
