// Compiled once per instruction set: a convolution in groups, whose sums take their terms as all others do: four input
// channels of a tap at a time, within a group.
#include <cstring>

#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

/// Adds what up to four inputs contribute to `outer` sums.
void add_four(const float* in, int64_t inputs, const float* weights, int64_t row, int64_t outer, float* dst) {
  float x[FOUR];
  const float* w[FOUR];
  int some = 0;
  for (int64_t k = 0; k < inputs; ++k) {
    x[some] = in[k];
    w[some] = weights + k * row;
    some += in[k] != 0.0f;
  }
  if (some == 0) return;
  each(outer, [&](int64_t i, auto part) {
    vf four = splat(x[0]) * part.get(w[0] + i);
    for (int k = 1; k < some; ++k) four += splat(x[k]) * part.get(w[k] + i);
    part.put(dst + i, part.get(dst + i) + four);
  });
}
}  // namespace

void plan_grouped(const float* src, const Window& g, int groups, const float* kernel, const float* bias, int64_t first,
                  int64_t last, float* dst) {
  const int64_t inner = g.in_c / groups, outer = g.out_c / groups;
  dst += first * g.out_w * g.out_c;
  for (int64_t oy = first; oy < last; ++oy) {
    for (int64_t ox = 0; ox < g.out_w; ++ox, dst += g.out_c) {
      if (bias != nullptr) {
        std::memcpy(dst, bias, g.out_c * sizeof(float));
      } else {
        std::memset(dst, 0, g.out_c * sizeof(float));
      }
      for (int64_t ky = 0; ky < g.k_h; ++ky) {
        const int64_t iy = oy * g.stride_h - g.pad_h + ky;
        if (iy < 0 || iy >= g.in_h) continue;
        for (int64_t kx = 0; kx < g.k_w; ++kx) {
          const int64_t ix = ox * g.stride_w - g.pad_w + kx;
          if (ix < 0 || ix >= g.in_w) continue;
          const float* in = src + (iy * g.in_w + ix) * g.in_c;
          const float* tap = kernel + (ky * g.k_w + kx) * inner * g.out_c;
          for (int64_t group = 0; group < groups; ++group) {
            for (int64_t c = 0; c < inner; c += FOUR) {
              add_four(in + group * inner + c, inner - c < FOUR ? inner - c : FOUR, tap + c * g.out_c + group * outer,
                       g.out_c, outer, dst + group * outer);
            }
          }
        }
      }
    }
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
