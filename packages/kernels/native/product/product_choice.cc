#include "../cpu/isa.h"
#include "product.h"

namespace bidl {

#define BIDL_PRODUCT(isa, width)                                                                           \
  namespace isa {                                                                                          \
  void product(const float*, const float*, int64_t, int64_t, int64_t, float*);                             \
  void transposed_product(const float*, const float*, int64_t, int64_t, int64_t, float*);                  \
  static const ProductKernels product_table = {product, transposed_product, width};                        \
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

bool sparse_product_pays(int64_t n, float density) {
  constexpr float DENSE = 0.35f;  // measured against Eigen's and oneDNN's (npm run bench -- conv)
  return n % product_kernels().width == 0 && density < DENSE;
}

}  // namespace bidl
