#include "pack.h"

#include <algorithm>

#include "kernels.h"

namespace bidl {

void pack(Instruction& i, const float* weights) {
  const Window& g = i.window;
  const float* kernel = weights + i.weights;
  if (i.kind == Instruction::grouped_conv) {
    i.packed.assign(kernel, kernel + int64_t{g.k_h} * g.k_w * (g.in_c / i.groups) * g.out_c);
    if (i.bias >= 0) i.packed_bias.assign(weights + i.bias, weights + i.bias + g.out_c);
    return;
  }
  const int64_t taps = int64_t{g.k_h} * g.k_w, filled = FOUR * fours_of(g.in_c), columns = g.out_c;
  const int64_t to_whole = columns > PANEL ? LIST_PANELS * PANEL : PANEL, padded = (columns + to_whole - 1) / to_whole * to_whole;
  i.packed.assign(taps * filled * padded, 0.0f);
  i.packed_bias.assign(padded, 0.0f);
  if (i.bias >= 0) std::copy_n(weights + i.bias, columns, i.packed_bias.data());
  for (int64_t column = 0; column < columns; column += PANEL) {
    const int64_t count = std::min(PANEL, columns - column);
    float* panel = i.packed.data() + taps * filled * column;
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t c = 0; c < g.in_c; ++c) {
        std::copy_n(kernel + (tap * g.in_c + c) * columns + column, count, panel + (tap * filled + c) * PANEL);
      }
    }
  }
}

}  // namespace bidl
