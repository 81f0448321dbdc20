// Which lanes of a comparison hold. Included once per instruction set, behind cpu/vector.h.

/// Bit i: lane i.
inline uint32_t bits(vi above) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)above);
#elif defined(__AVX2__)
  return static_cast<uint32_t>(_mm256_movemask_ps((__m256)above));
#elif defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_ps((__m128)above));
#else
  uint32_t all = 0;
  for (int i = 0; i < W; ++i) all |= (above[i] & 1u) << i;
  return all;
#endif
}

/// Sixteen channels as spikes in fours.
inline void put_spikes(uint8_t* to, uint32_t channels) {
  const uint32_t eights = (channels & 0xff) | (channels & 0xff00) << 8;
  const uint32_t fours = (eights & 0x000f000f) | (eights & 0x00f000f0) << 4;
  __builtin_memcpy(to, &fours, sizeof fours);
}
