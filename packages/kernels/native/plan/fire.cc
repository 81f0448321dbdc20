// Compiled once per instruction set: spiking neurons behind a synapse. Only their spikes leave, four to a number.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "spikes.h"

constexpr int VECTORS = PANEL / W;  // of a panel

/// One panel of columns: its parameters stay in registers.
struct Panel {
  vf theta[VECTORS], v0[VECTORS], alpha[VECTORS], beta[VECTORS];

  Panel(const Fire& f, int64_t column) {
    const auto get = [&](const float* p, int k, int parameter) {
      return load(p + ((column + k * W) & f.moves[parameter]));
    };
    for (int k = 0; k < VECTORS; ++k) {
      theta[k] = get(f.theta, k, 0);
      v0[k] = get(f.v0, k, 1);
      alpha[k] = get(f.alpha, k, 2);
      beta[k] = get(f.beta, k, 3);
    }
  }

  /// One pixel; adds its spikes to `any`.
  void step(const float* x, float* v, vi* any) const {
    for (int k = 0; k < VECTORS; ++k) {
      const vf u = load(x + k * W) + load(v + k * W);
      const vi above = u > theta[k];
      any[k] |= above;
      store(v + k * W, alpha[k] * choose(above, v0[k], u) + beta[k]);
    }
  }
};
}  // namespace

void plan_fire(const Fire& f) {
  const int64_t high = f.rows / f.pool_h * f.pool_h, wide = f.width / f.pool_w * f.pool_w;
  for (int64_t column = 0; column < f.columns; column += PANEL) {
    const Panel panel(f, column);
    const auto pixels = [&](int64_t y, int64_t x, int64_t rows, int64_t width, vi* any) {
      for (int64_t iy = y; iy < y + rows; ++iy) {
        const float* sums = f.sums + (iy * f.width + x) * f.sums_step + column;
        float* state = f.state + (iy * f.width + x) * f.state_step + column;
        for (int64_t ix = 0; ix < width; ++ix) panel.step(sums + ix * f.sums_step, state + ix * f.state_step, any);
      }
    };
    for (int64_t y = 0; y < high; y += f.pool_h) {
      uint16_t* spikes = f.spikes + y / f.pool_h * f.spikes_row + column / FOUR;
      for (int64_t x = 0; x < wide; x += f.pool_w, spikes += f.spikes_step) {
        vi any[VECTORS] = {};
        pixels(y, x, f.pool_h, f.pool_w, any);
        uint32_t channels = 0;
        for (int k = 0; k < VECTORS; ++k) channels |= bits(any[k]) << (k * W);
        put_spikes(spikes, channels);
      }
    }
    vi outside[VECTORS] = {};  // what no window covers fires as well
    pixels(0, wide, high, f.width - wide, outside);
    pixels(high, 0, f.rows - high, f.width, outside);
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
