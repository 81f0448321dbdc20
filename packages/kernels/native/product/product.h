// Matrix products: of left sides that are mostly zero, or all 0 and 1, as a dense layer's is behind spikes, and dense ones.
#pragma once
#include <cstdint>

#include "../conv/conv.h"

namespace bidl {

enum class ProductWay : int32_t { none, sparse, lookup, dense };

/// Which side of a product comes transposed.
enum class Transposed : int32_t { none, left, right };

struct ProductKernels {
  /// y [m, n] = a [m, k] · b [k, n], by the non-zeros of a; n is a multiple of `width`.
  void (*product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  /// y [k, n] = aᵀ · b for a [m, k] and b [m, n].
  void (*left_transposed_product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  /// y [m, n] = a · bᵀ for b [n, k].
  void (*right_transposed_product)(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
  /// y [m, n] = a · b, or aᵀ · b for a [k, m], of an a of 0 and 1, through sums that are looked up; any other a is computed
  /// as above.
  void (*lookup_product)(const float* a, const float* b, Transposed which, int64_t m, int64_t k, int64_t n, float* y);
  bool (*lookup_fits)(Transposed which, int64_t m, int64_t k, int64_t n);
  /// y [m, n] of any a and b; a is [k, m] where the left side is transposed, b [n, k] where the right one is. Large ones
  /// add and subtract quarters of a and b before they multiply, which rounds a little more than sums of products do.
  void (*dense_product)(const float* a, const float* b, Transposed which, int64_t m, int64_t k, int64_t n, float* y);
  int64_t width;  // of a vector
};

/// The kernels for the best instruction set that this processor has.
const ProductKernels& product_kernels();

/// How a product whose result is [m, n], summed over k, is best computed; `none` where a dense library does it better.
/// `a` is what the left side holds.
ProductWay choose_product(Transposed which, Density a, int64_t m, int64_t k, int64_t n);

}  // namespace bidl
