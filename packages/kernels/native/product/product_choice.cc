#include "../cpu/isa.h"
#include "product.h"

namespace bidl {

#define BIDL_PRODUCT(isa, width)                                                                           \
  namespace isa {                                                                                          \
  void product(const float*, const float*, int64_t, int64_t, int64_t, float*);                             \
  void transposed_product(const float*, const float*, int64_t, int64_t, int64_t, float*);                  \
  void lookup_product(const float*, const float*, int64_t, int64_t, int64_t, float*);                      \
  bool lookup_fits(int64_t, int64_t);                                                                      \
  void right_transposed_product(const float*, const float*, int64_t, int64_t, int64_t, bool, float*);      \
  static const ProductKernels product_table = {product,     transposed_product,       lookup_product,      \
                                               lookup_fits, right_transposed_product, width};              \
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
  constexpr float DENSE = 0.35f, FEW = 0.2f;   // measured (npm run bench -- ways)
  constexpr int64_t ROWS = 64;                 // so many make up for tables, or for turning the right side
  constexpr int64_t MANY = 512;
  if (n % kernels.width != 0) return ProductWay::none;
  if (which == Transposed::right) {
    const bool few = m <= MANY;  // a dense library turns b less well than it multiplies
    if (m < ROWS) return ProductWay::none;
    return a.share < (few ? DENSE : 0.25f) ? ProductWay::sparse : few ? ProductWay::dense : ProductWay::none;
  }
  if (which == Transposed::none && a.spikes && a.share >= FEW && m >= ROWS && kernels.lookup_fits(k, n)) return ProductWay::lookup;
  return a.share < DENSE ? ProductWay::sparse : ProductWay::none;
}

}  // namespace bidl
