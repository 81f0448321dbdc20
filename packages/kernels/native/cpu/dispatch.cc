#include "isa.h"
#include "kernels.h"

namespace bidl {

#define BIDL_KERNELS(isa)                                                                                \
  namespace isa {                                                                                        \
  void lif_forward(const LifScan&, const LifForward&);                                                   \
  void lif_backward(const LifScan&, const LifBackward&);                                                 \
  void max_pool_grad(const MaxPool2x2&, const float*, const float*, float*);                             \
  void update(const UpdateProgram&, const float*, const std::vector<UpdateArrays>&);                     \
  static const Kernels table = {#isa, lif_forward, lif_backward, max_pool_grad, update};                 \
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
