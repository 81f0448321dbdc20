// Compiled once per instruction set: sums over the inputs that are not zero. For every output pixel and kernel row they lie
// side by side in the list. Where the kernel is larger than the first-level cache, all pixels and steps of a block take
// it piece by piece.
#include <cstring>

#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

constexpr int64_t PIECE_BYTES = int64_t{24} * 1024;  // of weights: they stay in the first-level cache
constexpr int VECTORS = PANEL / W;                   // of a panel

/// A part of the kernel.
struct Piece {
  int64_t top, bottom, left, right;
  bool first;  // sums start at the bias, else at what the piece before left
};

/// One piece of the kernel for all pixels of one step.
template <int PANELS, bool ONES>
void sweep(const SumsOfList& s, const NonZeros& in, const Piece& piece, float* sums) {
  constexpr int NB = PANELS * VECTORS;
  const Window& g = *s.window;
  const int64_t pixel_rows = FOUR * fours_of(g.in_c), line = g.k_w * pixel_rows, next_panel = s.packed.rows * PANEL;
  const float* weights = s.packed.panel(s.column);
  const float* bias = s.packed.bias + s.column;
  int64_t oy = s.first / g.out_w, ox = s.first % g.out_w;
  for (int64_t pixel = 0; pixel < s.pixels; ++pixel, sums += PANELS * PANEL) {
    vf sum[NB];
    const float* from = piece.first ? bias : sums;
    for (int k = 0; k < NB; ++k) sum[k] = load(from + k * W);
    const int64_t y0 = oy * g.stride_h - g.pad_h, x0 = ox * g.stride_w - g.pad_w;
    const int64_t left = x0 + piece.left < 0 ? 0 : x0 + piece.left;
    const int64_t right = x0 + piece.right > g.in_w ? g.in_w : x0 + piece.right;
    for (int64_t ky = left < right ? piece.top : piece.bottom; ky < piece.bottom; ++ky) {
      const int64_t iy = y0 + ky;
      if (iy < 0 || iy >= g.in_h) continue;
      const int32_t* start = in.start + iy * (in.width + 1);
      const float* base = weights + (ky * line - x0 * pixel_rows) * PANEL;
      for (int32_t e = start[left], end = start[right]; e < end; ++e) {
        const auto product = [&](int k) {
          const vf w = load(base + (in.index[e] >> 1) * PANEL + k / VECTORS * next_panel + k % VECTORS * W);
          return ONES ? w : splat(in.value[e]) * w;
        };
        if (in.index[e] & 1) {  // alone in its four
          for (int k = 0; k < NB; ++k) sum[k] += product(k);
          continue;
        }
        vf four[NB];
        for (int k = 0; k < NB; ++k) four[k] = product(k);
        do {
          ++e;
          for (int k = 0; k < NB; ++k) four[k] += product(k);
        } while (!(in.index[e] & 1));
        for (int k = 0; k < NB; ++k) sum[k] += four[k];
      }
    }
    for (int k = 0; k < NB; ++k) store(sums + k * W, sum[k]);
    if (++ox == g.out_w) {
      ox = 0;
      ++oy;
    }
  }
}

template <int PANELS>
void pieces(const SumsOfList& s, bool ones) {
  const Window& g = *s.window;
  const int64_t pixel = FOUR * fours_of(g.in_c) * PANELS * PANEL * int64_t{sizeof(float)};
  const bool once = s.pixels * s.steps == 1 || pixel * g.k_w * g.k_h <= PIECE_BYTES;
  const int64_t high = once ? g.k_h : 1;
  const int64_t fit = PIECE_BYTES / pixel, wide = once || fit >= g.k_w ? g.k_w : fit < 1 ? 1 : fit;
  for (int64_t top = 0; top < g.k_h; top += high) {
    for (int64_t left = 0; left < g.k_w; left += wide) {
      const Piece piece = {top, top + high, left, left + wide < g.k_w ? left + wide : g.k_w, top == 0 && left == 0};
      for (int64_t t = 0; t < s.steps; ++t) {
        float* sums = s.sums + t * s.pixels * PANELS * PANEL;
        ones ? sweep<PANELS, true>(s, s.in[t], piece, sums) : sweep<PANELS, false>(s, s.in[t], piece, sums);
      }
    }
  }
}
}  // namespace

void plan_sums_of_list(const SumsOfList& s) {
  bool ones = true;
  for (int64_t t = 0; t < s.steps; ++t) {
    for (int64_t row = 0; row < s.in[t].rows; ++row) ones &= s.in[t].ones[row] != 0;
  }
  s.panels == 1 ? pieces<1>(s, ones) : pieces<2>(s, ones);
}

}  // namespace BIDL_ISA
}  // namespace bidl
