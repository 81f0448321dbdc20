#include "isa.h"

#include <cstdlib>
#include <cstring>

namespace bidl {

const char* isa() {
  static const char* best = [] {
    const char* asked = std::getenv("BIDL_ISA");
    const auto allowed = [&](const char* name) { return asked == nullptr || std::strcmp(asked, name) == 0; };
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool has512 = __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (allowed("avx512") && has512) return "avx512";
    if (allowed("avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
#endif
    (void)allowed;
    return "baseline";
  }();
  return best;
}

bool isa_is(const char* name) { return std::strcmp(isa(), name) == 0; }

}  // namespace bidl
