// Finding the values that are not zero. Included once per instruction set, inside its namespace.

constexpr int64_t SPILL = 8;  // places behind a list that finding may write to

#if defined(__AVX2__)
/// For every mask of 8 lanes, which lanes are set, first ones first.
struct Compress {
  alignas(64) uint8_t lanes[256][8];
  Compress() {
    for (int mask = 0; mask < 256; ++mask) {
      int count = 0;
      for (int lane = 0; lane < 8; ++lane) {
        if (mask >> lane & 1) lanes[mask][count++] = static_cast<uint8_t>(lane);
      }
      while (count < 8) lanes[mask][count++] = 0;
    }
  }
};
const Compress compress_table;
#endif

/// Writes down the places, counted from `base`, and the values of what is not zero in x[0, n), and returns how many
/// there are. Writes up to 8 places further than that. Sets `other` where a value is neither 0 nor 1.
inline int64_t nonzeros(const float* x, int64_t n, int32_t base, int32_t* index, float* value, bool& other) {
  int64_t count = 0, i = 0;
#if defined(__AVX2__)
  const __m256i steps = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 one = _mm256_set1_ps(1.0f);
  __m256 odd = _mm256_setzero_ps();
  for (; i + 8 <= n; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    const __m256 some = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_NEQ_UQ);
    odd = _mm256_or_ps(odd, _mm256_and_ps(some, _mm256_cmp_ps(v, one, _CMP_NEQ_UQ)));
    const int mask = _mm256_movemask_ps(some);
    const __m256i lanes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(compress_table.lanes[mask])));
    const __m256i places = _mm256_add_epi32(steps, _mm256_set1_epi32(base + static_cast<int32_t>(i)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(index + count), _mm256_permutevar8x32_epi32(places, lanes));
    _mm256_storeu_ps(value + count, _mm256_permutevar8x32_ps(v, lanes));
    count += __builtin_popcount(static_cast<unsigned>(mask));
  }
  other |= _mm256_movemask_ps(odd) != 0;
#endif
  for (; i < n; ++i) {  // written always, kept when not zero: no branch to mispredict
    index[count] = base + static_cast<int32_t>(i);
    value[count] = x[i];
    count += x[i] != 0.0f;
    other |= x[i] != 0.0f && x[i] != 1.0f;
  }
  return count;
}
