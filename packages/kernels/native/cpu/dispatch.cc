#include "isa.h"
#include "kernels.h"

namespace bidl {

#define BIDL_KERNELS(isa)                                                                                \
  namespace isa {                                                                                        \
  void max_pool(const MaxPool&, const float*, float*);                                                   \
  void max_pool_grad(const MaxPool&, const float*, const float*, float*);                                \
  void max_pool_rows(const MaxPoolRows&, const float*, float*, uint8_t*);                                \
  void max_unpool_rows(const MaxPoolRows&, const float*, const uint8_t*, float*);                        \
  void noise_row(const NoiseRow&, float*);                                                               \
  void norm_forward(const NormForward&);                                                                 \
  void norm_backward(const NormBackward&);                                                               \
  void update(const UpdateProgram&, const float*, const std::vector<UpdateArrays>&);                     \
  static const Kernels table = {#isa,           max_pool,  max_pool_grad, max_pool_rows,                 \
                                max_unpool_rows, noise_row, norm_forward,  norm_backward,                \
                                update};                                                                 \
  }
#if defined(__x86_64__)
BIDL_KERNELS(avx512)
BIDL_KERNELS(avx2)
#endif
BIDL_KERNELS(baseline)

const Kernels& kernels() {
#if defined(__x86_64__)
  if (isa_is("avx512")) return avx512::table;
  if (isa_is("avx2")) return avx2::table;
#endif
  return baseline::table;
}

}  // namespace bidl
