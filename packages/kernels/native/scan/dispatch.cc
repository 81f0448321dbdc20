#include <cstdlib>
#include <cstring>

#include "lif_scan.h"

namespace bidl {

#if defined(__x86_64__)
namespace avx512 { extern const LifKernels kernels; }
namespace avx2 { extern const LifKernels kernels; }
#endif
namespace baseline { extern const LifKernels kernels; }

const LifKernels& lif_kernels() {
  static const LifKernels* best = [] {
    const char* asked = std::getenv("BIDL_ISA");
    const auto allowed = [&](const char* isa) { return asked == nullptr || std::strcmp(asked, isa) == 0; };
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (allowed("avx512") && __builtin_cpu_supports("avx512f")) return &avx512::kernels;
    if (allowed("avx2") && __builtin_cpu_supports("avx2")) return &avx2::kernels;
#endif
    (void)allowed;
    return &baseline::kernels;
  }();
  return *best;
}

}  // namespace bidl
