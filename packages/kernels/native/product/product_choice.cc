#include "../cpu/isa.h"
#include "product.h"

namespace bidl {

#define BIDL_PRODUCT(isa, width)                                                                           \
  namespace isa {                                                                                          \
  void product(const float*, const float*, int64_t, int64_t, int64_t, float*);                             \
  void transposed_product(const float*, const float*, int64_t, int64_t, int64_t, float*);                  \
  void lookup_product(const float*, const float*, int64_t, int64_t, int64_t, float*);                      \
  bool lookup_fits(int64_t, int64_t);                                                                      \
  static const ProductKernels product_table = {product, transposed_product, lookup_product, lookup_fits,   \
                                               width};                                                     \
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

ProductWay choose_product(bool transposed, Density a, int64_t m, int64_t k, int64_t n) {
  const ProductKernels& kernels = product_kernels();
  constexpr float DENSE = 0.35f, FEW = 0.12f;  // measured against Eigen's and oneDNN's (npm run bench -- conv)
  constexpr int64_t ROWS = 64;                 // so many make up for the tables
  if (n % kernels.width != 0) return ProductWay::none;
  if (!transposed && a.spikes && a.share >= FEW && m >= ROWS && kernels.lookup_fits(k, n)) return ProductWay::lookup;
  return a.share < DENSE ? ProductWay::sparse : ProductWay::none;
}

}  // namespace bidl
