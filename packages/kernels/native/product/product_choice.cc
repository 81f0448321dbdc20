#include "../cpu/isa.h"
#include "product.h"

namespace bidl {

#define BIDL_PRODUCT(isa, width)                                                                           \
  namespace isa {                                                                                          \
  void product(const float*, const float*, int64_t, int64_t, int64_t, float*);                             \
  void left_transposed_product(const float*, const float*, int64_t, int64_t, int64_t, float*);             \
  void right_transposed_product(const float*, const float*, int64_t, int64_t, int64_t, float*);            \
  void lookup_product(const float*, const float*, Transposed, int64_t, int64_t, int64_t, float*);          \
  bool lookup_fits(Transposed, int64_t, int64_t, int64_t);                                                 \
  void dense_product(const float*, const float*, Transposed, int64_t, int64_t, int64_t, float*);           \
  static const ProductKernels product_table = {                                                            \
      product,     left_transposed_product, right_transposed_product, lookup_product,                      \
      lookup_fits, dense_product,           width};                                                        \
  }
#if defined(__x86_64__)
BIDL_PRODUCT(avx512, 16)
BIDL_PRODUCT(avx2, 8)
#endif
BIDL_PRODUCT(baseline, 4)

const ProductKernels& product_kernels() {
#if defined(__x86_64__)
  if (isa_is("avx512")) return avx512::product_table;
  if (isa_is("avx2")) return avx2::product_table;
#endif
  return baseline::product_table;
}

ProductWay choose_product(Transposed which, Density a, int64_t m, int64_t k, int64_t n) {
  const ProductKernels& kernels = product_kernels();
  // Measured (npm run bench -- ways).
  constexpr float FEW = 0.2f, SPARSE = 0.3f;
  constexpr int64_t ROWS = 64;  // so many make up for tables, and for packing the right side
  if (n % kernels.width != 0) return ProductWay::none;
  if (a.spikes && a.share >= FEW && m >= ROWS && kernels.lookup_fits(which, m, k, n)) return ProductWay::lookup;
  if (a.share < SPARSE && (which != Transposed::right || m >= ROWS)) return ProductWay::sparse;
  // What a dense library turns worse than it multiplies, sides that leave the caches, and what takes long anyway.
  constexpr int64_t LARGE = int64_t{1} << 23, LONG = int64_t{1} << 29;
  const bool better = (which == Transposed::right && m <= 512) || k * n >= LARGE || m * k * n >= LONG;
  return better && m >= ROWS ? ProductWay::dense : ProductWay::none;
}

}  // namespace bidl
