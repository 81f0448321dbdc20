// Matrix products whose left side is mostly zero, as a dense layer's is behind spikes.
#pragma once
#include <cstdint>

namespace bidl {

struct ProductKernels {
  /// y [m, n] = a [m, k] · b [k, n]; n is a multiple of `width`.
  void (*product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  /// y [k, n] = aᵀ · b for a [m, k] and b [m, n].
  void (*transposed_product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  int64_t width;  // of a vector
};

/// The kernels for the best instruction set that this processor has.
const ProductKernels& product_kernels();

/// Whether a walk over the non-zeros of a is faster than a dense library's product, for rows of n values.
bool sparse_product_pays(int64_t n, float density);

}  // namespace bidl
