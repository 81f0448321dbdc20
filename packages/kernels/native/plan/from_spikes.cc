// Compiled once per instruction set: sums over spikes. Four spikes have sixteen sums of weights; these are made once for
// a piece of the kernel, small enough to stay in the first-level cache, and then looked up for every pixel and step.
#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

constexpr int VECTORS = PANEL / W;           // of a panel
constexpr int AT_ONCE = VECTORS >= 4 ? 2 : 8 / VECTORS;  // sums whose additions overlap
static_assert(LANES % AT_ONCE == 0, "whole turns");
static_assert(SPIKES == PANEL * sizeof(float), "spikes are the way to their entry in bytes");

/// The sums of four rows of weights, added up in their order.
void make_tables(const float* weights, int64_t fours, float* table) {
  for (int64_t f = 0; f < fours; ++f, weights += FOUR * PANEL, table += 16 * PANEL) {
    for (int k = 0; k < VECTORS; ++k) {
      vf sum[16];
      sum[0] = splat(-0.0f);  // changes nothing when it is added
      for (int i = 0; i < FOUR; ++i) {
        const vf w = load(weights + i * PANEL + k * W);
        sum[1 << i] = w;
        for (int below = 1; below < 1 << i; ++below) sum[(1 << i) + below] = sum[below] + w;
      }
      for (int s = 0; s < 16; ++s) store(table + s * PANEL + k * W, sum[s]);
    }
  }
}

/// Adds what `rows` rows of `fours` contribute, AT_ONCE sums at a time.
void look_up(const SumsOfSpikes& s, int64_t from, int64_t rows, int64_t fours, bool first) {
  float* sums = s.sums;
  for (int64_t at = 0; at < s.count; at += AT_ONCE, sums += AT_ONCE * PANEL) {
    const uint16_t* spikes[AT_ONCE];
    vf sum[AT_ONCE][VECTORS];
    for (int l = 0; l < AT_ONCE; ++l) {
      spikes[l] = s.spikes + s.corners[at + l] + from;
      for (int k = 0; k < VECTORS; ++k) sum[l][k] = load(first ? s.bias + k * W : sums + l * PANEL + k * W);
    }
    const char* table = reinterpret_cast<const char*>(s.table);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t f = 0; f < fours; ++f, table += 16 * SPIKES) {
        for (int l = 0; l < AT_ONCE; ++l) {
          const char* entry = table + spikes[l][f];
          for (int k = 0; k < VECTORS; ++k) sum[l][k] += load(reinterpret_cast<const float*>(entry) + k * W);
        }
      }
      for (int l = 0; l < AT_ONCE; ++l) spikes[l] += s.row;
    }
    for (int l = 0; l < AT_ONCE; ++l) {
      for (int k = 0; k < VECTORS; ++k) store(sums + l * PANEL + k * W, sum[l][k]);
    }
  }
}
}  // namespace

void plan_sums_of_spikes(const SumsOfSpikes& s) {
  const int64_t line = s.window->k_w * s.fours, height = s.window->k_h;
  const int64_t high = line > PIECE ? 1 : PIECE / line;
  const int64_t parts = (line + PIECE - 1) / PIECE, wide = (line + parts - 1) / parts;
  for (int64_t top = 0; top < height; top += high) {
    const int64_t rows = height - top < high ? height - top : high;
    for (int64_t left = 0; left < line; left += wide) {
      const int64_t fours = line - left < wide ? line - left : wide;
      make_tables(s.weights + (top * line + left) * FOUR * PANEL, rows * fours, s.table);
      look_up(s, top * s.row + left, rows, fours, top == 0 && left == 0);
    }
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
