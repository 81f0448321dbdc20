// Training noise: normal numbers that are a function of seed, step, sample and neuron, so that the backward pass draws
// what the forward pass drew. The same numbers, to rounding, as packages/dynamics/src/noise/normal.ts.
#pragma once
#include <cstdint>

namespace bidl {

inline uint32_t noise_mix(uint32_t h) {
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}

inline uint32_t noise_key(uint32_t seed, int64_t step, int64_t sample) {
  constexpr uint32_t golden = 0x9e3779b9u;
  return noise_mix(noise_mix(seed + golden * static_cast<uint32_t>(step + 1)) + golden * static_cast<uint32_t>(sample + 1));
}

/// A row of noise: for neurons [first, first + n) the normal numbers under a key, times the spread of their lane.
struct NoiseRow {
  uint32_t key;
  int64_t first, n, period;
  const float* spread;  // lanes
};

}  // namespace bidl
