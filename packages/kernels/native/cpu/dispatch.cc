#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace bidl {

#define BIDL_KERNELS(isa)                                                                                \
  namespace isa {                                                                                        \
  void lif_forward(const LifScan&, const LifForward&);                                                   \
  void lif_backward(const LifScan&, const LifBackward&);                                                 \
  void max_pool_grad(const MaxPool2x2&, const float*, const float*, float*);                             \
  void adam(const AdamStep&, int64_t, const float*, const float*, const float*, const float*, float*,    \
            float*, float*);                                                                             \
  static const Kernels table = {#isa, lif_forward, lif_backward, max_pool_grad, adam};                   \
  }
#if defined(__x86_64__)
BIDL_KERNELS(avx512)
BIDL_KERNELS(avx2)
#endif
BIDL_KERNELS(baseline)

const Kernels& kernels() {
  static const Kernels* best = [] {
    const char* asked = std::getenv("BIDL_ISA");
    const auto allowed = [&](const char* isa) { return asked == nullptr || std::strcmp(asked, isa) == 0; };
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool has512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (allowed("avx512") && has512) return &avx512::table;
    if (allowed("avx2") && __builtin_cpu_supports("avx2")) return &avx2::table;
#endif
    (void)allowed;
    return &baseline::table;
  }();
  return *best;
}

}  // namespace bidl
