// float16 (IEEE 754 binary16) in integer arithmetic: exact one way, to nearest, ties to even, the other way.
#pragma once
#include <cstdint>
#include <cstring>

namespace bidl {

inline float bits_to_float(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}
inline uint32_t float_to_bits(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return bits;
}

inline float from_half(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16, rest = h & 0x7fffu;
  // 2^112 moves the exponent from float16's range into float32's, subnormal numbers included.
  const float magnitude = rest >= 0x7c00u ? bits_to_float(0x7f800000u | (rest & 0x3ffu) << 13)
                                          : bits_to_float(rest << 13) * bits_to_float(0x77800000u);
  return bits_to_float(sign | float_to_bits(magnitude));
}

inline uint16_t to_half(float f) {
  const uint32_t bits = float_to_bits(f), sign = (bits >> 16) & 0x8000u, rest = bits & 0x7fffffffu;
  if (rest > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (rest >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65520 and more
  if (rest < 0x38800000u) {  // below 2^-14: adding 0.5 leaves the rounded subnormal in the last bits
    return static_cast<uint16_t>(sign | (float_to_bits(bits_to_float(rest) + 0.5f) - 0x3f000000u));
  }
  return static_cast<uint16_t>(sign | ((rest - 0x38000000u + 0xfffu + ((rest >> 13) & 1u)) >> 13));
}

}  // namespace bidl
