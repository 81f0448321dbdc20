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

/// The sizes of a pooling window, known when this is compiled where they are not 0.
template <int HIGH, int WIDE>
void fire(const Fire& f) {
  const int64_t pool_h = HIGH > 0 ? HIGH : f.pool_h, pool_w = WIDE > 0 ? WIDE : f.pool_w;
  const int64_t high = f.rows / pool_h * pool_h, wide = f.width / pool_w * pool_w;
  const int64_t sums_row = f.width * f.sums_step, state_row = f.width * f.state_step;
  for (int64_t column = 0; column < f.columns; column += PANEL) {
    const Panel panel(f, column);
    const auto pixels = [&](const float* sums, float* state, int64_t rows, int64_t width, vi* any) {
      for (int64_t y = 0; y < rows; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          panel.step(sums + y * sums_row + x * f.sums_step, state + y * state_row + x * f.state_step, any);
        }
      }
    };
    const float* sums = f.sums + column;
    float* state = f.state + column;
    for (int64_t y = 0; y < high; y += pool_h) {
      uint8_t* spikes = f.spikes + y / pool_h * f.spikes_row + column / FOUR;
      for (int64_t x = 0; x < wide; x += pool_w, spikes += f.spikes_step) {
        vi any[VECTORS] = {};
        pixels(sums + y * sums_row + x * f.sums_step, state + y * state_row + x * f.state_step, pool_h, pool_w, any);
        uint32_t channels = 0;
        for (int k = 0; k < VECTORS; ++k) channels |= bits(any[k]) << (k * W);
        put_spikes(spikes, channels);
      }
    }
    vi outside[VECTORS] = {};  // what no window covers fires as well
    pixels(sums + wide * f.sums_step, state + wide * f.state_step, high, f.width - wide, outside);
    pixels(sums + high * sums_row, state + high * state_row, f.rows - high, f.width, outside);
  }
}
}  // namespace

void plan_fire(const Fire& f) {
  if (f.pool_h == 2 && f.pool_w == 2) return fire<2, 2>(f);
  if (f.pool_h == 1 && f.pool_w == 1) return fire<1, 1>(f);
  fire<0, 0>(f);
}

}  // namespace BIDL_ISA
}  // namespace bidl
