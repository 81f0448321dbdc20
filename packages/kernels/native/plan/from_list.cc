// Compiled once per instruction set: sums over the inputs that are not zero. For every output pixel and kernel row they lie
// side by side in the list. Where the kernel is larger than the first-level cache, all pixels and steps of a block take
// it piece by piece.
#include <algorithm>

#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

constexpr int64_t PIECE_BYTES = int64_t{24} * 1024;  // of weights: they stay in the first-level cache
constexpr int64_t SPARSE = 6;  // inputs of a window up to which the way from input to output is shorter

/// A part of the kernel.
struct Piece {
  int64_t top, bottom, left, right;
  bool first;  // sums start at the bias, else at what the piece before left
};

/// What is the same for all entries of a block.
template <int PANELS, bool ONES>
struct Block {
  static constexpr int VECTORS = PANELS * PANEL / W;
  const Sums& s;
  const NonZeros& in;
  const Window& g;
  const int64_t pixel_rows, next_panel;  // rows of weights of a tap; floats to the next panel
  const float* const weights;
  const float* const bias;

  Block(const Sums& block, const NonZeros& inputs)
      : s(block), in(inputs), g(*block.window), pixel_rows(FOUR * fours_of(g.in_c)), next_panel(s.packed.rows * PANEL),
        weights(s.packed.panel(s.column)), bias(s.packed.bias + s.column) {}

  /// Adds the four that begins at entry e; `base` is where the weights of the first pixel of the row would be. Returns
  /// the entry behind.
  int32_t add(vf* sum, int32_t e, const float* base) const {
    const auto product = [&](int k) {
      constexpr int EACH = PANEL / W;
      const vf w = load(base + (in.index[e] >> 1) * PANEL + k / EACH * next_panel + k % EACH * W);
      return ONES ? w : splat(in.value[e]) * w;
    };
    if (in.index[e] & 1) {  // alone in its four
      for (int k = 0; k < VECTORS; ++k) sum[k] += product(k);
      return e + 1;
    }
    vf four[VECTORS];
    for (int k = 0; k < VECTORS; ++k) four[k] = product(k);
    do {
      ++e;
      for (int k = 0; k < VECTORS; ++k) four[k] += product(k);
    } while (!(in.index[e] & 1));
    for (int k = 0; k < VECTORS; ++k) sum[k] += four[k];
    return e + 1;
  }

  /// Every output pixel collects its inputs, those of one piece of the kernel.
  void gather(const Piece& piece, float* sums) const {
    const int64_t line = g.k_w * pixel_rows;
    for (int64_t oy = s.row; oy < s.row + s.rows; ++oy) {
      for (int64_t ox = 0; ox < g.out_w; ++ox, sums += PANELS * PANEL) {
        vf sum[VECTORS];
        for (int k = 0; k < VECTORS; ++k) sum[k] = load((piece.first ? bias : sums) + k * W);
        const int64_t y0 = oy * g.stride_h - g.pad_h, x0 = ox * g.stride_w - g.pad_w;
        const int64_t left = x0 + piece.left < 0 ? 0 : x0 + piece.left;
        const int64_t right = x0 + piece.right > g.in_w ? g.in_w : x0 + piece.right;
        for (int64_t ky = left < right ? piece.top : piece.bottom; ky < piece.bottom; ++ky) {
          const int64_t iy = y0 + ky;
          if (iy < 0 || iy >= g.in_h) continue;
          const int32_t* start = in.start + iy * (in.width + 1);
          const float* base = weights + (ky * line - x0 * pixel_rows) * PANEL;
          for (int32_t e = start[left]; e < start[right];) e = add(sum, e, base);
        }
        for (int k = 0; k < VECTORS; ++k) store(sums + k * W, sum[k]);
      }
    }
  }

  /// The first output pixel of a row whose window begins at `x` or behind.
  int64_t up(int64_t x) const { return g.stride_w == 1 ? x : (x + g.stride_w - 1) / g.stride_w; }

  /// Every input goes to the output pixels whose window it is in. They meet their inputs in the same order.
  void scatter(float* sums) const {
    for (int64_t i = 0; i < s.rows * g.out_w; ++i) {
      for (int k = 0; k < VECTORS; ++k) store(sums + i * PANELS * PANEL + k * W, load(bias + k * W));
    }
    const int64_t first = s.row * g.stride_h - g.pad_h, last = (s.row + s.rows - 1) * g.stride_h - g.pad_h + g.k_h;
    for (int64_t iy = first < 0 ? 0 : first; iy < last && iy < g.in_h; ++iy) {
      const int32_t* start = in.start + iy * (in.width + 1);
      for (int32_t e = start[0], next = e; e < start[in.width]; e = next) {
        const int64_t ix = (in.index[e] >> 1) / pixel_rows;
        const int64_t left = std::max<int64_t>(0, up(ix + g.pad_w - g.k_w + 1));
        const int64_t right = std::min<int64_t>(g.out_w, up(ix + g.pad_w + 1));
        for (int64_t row = 0; row < s.rows; ++row) {
          const int64_t ky = iy + g.pad_h - (s.row + row) * g.stride_h;
          if (ky < 0 || ky >= g.k_h) continue;
          for (int64_t ox = left; ox < right; ++ox) {
            const int64_t kx = ix + g.pad_w - ox * g.stride_w;
            float* to = sums + (row * g.out_w + ox) * PANELS * PANEL;
            vf sum[VECTORS];
            for (int k = 0; k < VECTORS; ++k) sum[k] = load(to + k * W);
            next = add(sum, e, weights + ((ky * g.k_w + kx) - ix) * pixel_rows * PANEL);
            for (int k = 0; k < VECTORS; ++k) store(to + k * W, sum[k]);
          }
        }
        while (next == e || !(in.index[next - 1] & 1)) ++next;  // where nothing took it
      }
    }
  }

  /// Whether most windows are empty.
  bool sparse() const {
    const int64_t first = s.row * g.stride_h - g.pad_h, last = (s.row + s.rows - 1) * g.stride_h - g.pad_h + g.k_h;
    int64_t entries = 0;
    for (int64_t iy = first < 0 ? 0 : first; iy < last && iy < g.in_h; ++iy) {
      const int32_t* start = in.start + iy * (in.width + 1);
      entries += start[in.width] - start[0];
    }
    return entries * g.k_h * g.k_w < SPARSE * s.rows * g.out_w * g.stride_h * g.stride_w;
  }
};

/// Piece by piece, each for all pixels and steps.
template <int PANELS>
void pieces(const Sums& s, const NonZeros* in, bool ones) {
  const Window& g = *s.window;
  const int64_t of_step = s.rows * g.out_w * PANELS * PANEL;
  if (s.steps == 1 && Block<PANELS, true>(s, *in).sparse()) {
    return ones ? Block<PANELS, true>(s, *in).scatter(s.sums) : Block<PANELS, false>(s, *in).scatter(s.sums);
  }
  const int64_t pixel = FOUR * fours_of(g.in_c) * PANELS * PANEL * int64_t{sizeof(float)};
  const bool once = s.rows * g.out_w * s.steps == 1 || pixel * g.k_w * g.k_h <= PIECE_BYTES;
  const int64_t high = once ? g.k_h : 1;
  const int64_t fit = PIECE_BYTES / pixel, wide = once || fit >= g.k_w ? g.k_w : fit < 1 ? 1 : fit;
  for (int64_t top = 0; top < g.k_h; top += high) {
    for (int64_t left = 0; left < g.k_w; left += wide) {
      const Piece piece = {top, top + high, left, left + wide < g.k_w ? left + wide : g.k_w, top == 0 && left == 0};
      for (int64_t t = 0; t < s.steps; ++t) {
        float* sums = s.sums + t * of_step;
        ones ? Block<PANELS, true>(s, in[t]).gather(piece, sums) : Block<PANELS, false>(s, in[t]).gather(piece, sums);
      }
    }
  }
}
}  // namespace

void plan_sums_of_list(const Sums& s, const NonZeros* in) {
  bool ones = true;
  for (int64_t t = 0; t < s.steps; ++t) {
    for (int64_t row = 0; row < in[t].rows; ++row) ones &= in[t].ones[row] != 0;
  }
  s.panels == 1 ? pieces<1>(s, in, ones) : pieces<2>(s, in, ones);
}

}  // namespace BIDL_ISA
}  // namespace bidl
