// Inputs that are 0 or 1, as bits. Included once per instruction set, inside its namespace, behind <immintrin.h> where there
// is AVX2.

/// Values that are 0 or 1, eight side by side as the bits of a byte, the first one lowest.
class Eights {
 public:
  uint8_t of(const float* x) {
#if defined(__AVX2__)
    const __m256 v = _mm256_loadu_ps(x), some = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_NEQ_UQ);
    odd_ = _mm256_or_ps(odd_, _mm256_and_ps(some, _mm256_cmp_ps(v, _mm256_set1_ps(1.0f), _CMP_NEQ_UQ)));
    return static_cast<uint8_t>(_mm256_movemask_ps(some));
#else
    int bits = 0;
    for (int i = 0; i < 8; ++i) {
      bits |= (x[i] != 0.0f) << i;
      odd_ |= x[i] != 0.0f && x[i] != 1.0f;
    }
    return static_cast<uint8_t>(bits);
#endif
  }
  /// Whether any value was something else; what stands for it means nothing then.
  bool other() const {
#if defined(__AVX2__)
    return _mm256_movemask_ps(odd_) != 0;
#else
    return odd_;
#endif
  }

 private:
#if defined(__AVX2__)
  __m256 odd_ = _mm256_setzero_ps();
#else
  bool odd_ = false;
#endif
};
