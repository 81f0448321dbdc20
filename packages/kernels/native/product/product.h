// Matrix products whose left side is mostly zero, or all 0 and 1, as a dense layer's is behind spikes; and those with a
// transposed right side.
#pragma once
#include <cstdint>

#include "../conv/conv.h"

namespace bidl {

struct ProductKernels {
  /// y [m, n] = a [m, k] · b [k, n]; n is a multiple of `width`.
  void (*product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  /// y [k, n] = aᵀ · b for a [m, k] and b [m, n].
  void (*transposed_product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  /// The first for an a of 0 and 1, through sums that are looked up; any other a is computed as above.
  void (*lookup_product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  bool (*lookup_fits)(int64_t k, int64_t n);
  /// y [m, n] = a · bᵀ for b [n, k], by the non-zeros of a or whole.
  void (*right_transposed_product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, bool sparse, float* y);
  int64_t width;  // of a vector
};

/// The kernels for the best instruction set that this processor has.
const ProductKernels& product_kernels();

enum class ProductWay : int32_t { none, sparse, lookup, dense };

enum class Transposed : int32_t { none, left, right };

/// How a [m, k] · b [k, n], aᵀ · b, or a · bᵀ for b [n, k] is best computed; `none` where a dense library does it better.
ProductWay choose_product(Transposed which, Density a, int64_t m, int64_t k, int64_t n);

}  // namespace bidl
