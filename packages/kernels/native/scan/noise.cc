// Compiled once per instruction set.
#include "noise.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

typedef uint32_t vu __attribute__((vector_size(BIDL_WIDTH * 4)));

inline vu mix(vu h) {
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}

/// The middle of one of 2^23 equal parts of (0, 1): a float32 without rounding.
inline vf uniform(vu word) { return (__builtin_convertvector((vi)(word >> 9), vf) + 0.5f) * (1.0f / 8388608.0f); }

/// ln x for positive, normal x.
inline vf log_f(vf x) {
  // x = m·2^e with m between √½ and √2.
  const vi shifted = (vi)x - 0x3f3504f3;
  const vf e = __builtin_convertvector(shifted >> 23, vf);
  const vf m = (vf)((shifted & 0x007fffff) + 0x3f3504f3);
  const vf s = (m - 1.0f) / (m + 1.0f), z = s * s;
  const vf series = 2.0f + z * (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9))));
  return e * 0.69314718f + s * series;
}

/// cos 2πu for u in (0, 1).
inline vf cos_turn(vf u) {
  const vf quarters = u * 4.0f;
  const vi q = __builtin_convertvector(quarters + 0.5f, vi);
  const vf a = (quarters - __builtin_convertvector(q, vf)) * 1.5707963f, z = a * a;
  const vf sine = a * (1.0f + z * (-1.0f / 6 + z * (1.0f / 120 + z * (-1.0f / 5040))));
  const vf cosine = 1.0f + z * (-0.5f + z * (1.0f / 24 + z * (-1.0f / 720 + z * (1.0f / 40320))));
  const vf value = choose((q & 1) == 1, sine, cosine);
  return choose(((q + 1) & 2) == 2, -value, value);
}

inline vf sqrt_f(vf x) {
  for (int i = 0; i < W; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

}  // namespace

void noise_row(const NoiseRow& row, float* out) {
  constexpr uint32_t golden = 0x9e3779b9u;
  vu lane{};
  for (int i = 0; i < W; ++i) lane[i] = static_cast<uint32_t>(i + 1);
  for (int64_t begin = 0; begin < row.n; begin += row.period) {
    const int64_t left = row.n - begin;
    each(left < row.period ? left : row.period, [&](int64_t j, auto part) {
      const vu index = lane + static_cast<uint32_t>(row.first + begin + j);
      const vu word = mix((index * golden) ^ row.key);
      const vf radius = sqrt_f(-2.0f * log_f(uniform(word)));
      const vf normal = radius * cos_turn(uniform(mix(word + golden)));
      part.put(out + begin + j, normal * load(row.spread + j));
    });
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
