#include "../cpu/isa.h"
#include "kernels.h"

namespace bidl {

#define BIDL_PLAN_KERNELS(isa)                                                                            \
  namespace isa {                                                                                         \
  int64_t plan_vector();                                                                                  \
  int64_t plan_panel(const Window&);                                                                      \
  void plan_list(const void*, Format, const NonZeros&, int64_t, int64_t);                                 \
  void plan_synapse(const NonZeros&, const Window&, const Packed&, int64_t, int64_t, int64_t, int64_t,    \
                    float*);                                                                              \
  void plan_element(Op, const Elements&);                                                                 \
  void plan_pool(const float*, const Window&, bool, int64_t, int64_t, float*);                            \
  void plan_grouped(const float*, const Window&, int, const float*, const float*, float*);                \
  static const PlanKernels& plan_table() {                                                                \
    static const PlanKernels table = {#isa,         plan_vector,  plan_panel, plan_list,                  \
                                      plan_synapse, plan_element, plan_pool,  plan_grouped};              \
    return table;                                                                                         \
  }                                                                                                       \
  }
#if defined(__x86_64__)
BIDL_PLAN_KERNELS(avx512)
BIDL_PLAN_KERNELS(avx2)
#endif
BIDL_PLAN_KERNELS(baseline)

const PlanKernels& plan_kernels() {
#if defined(__x86_64__)
  if (isa_is("avx512")) return avx512::plan_table();
  if (isa_is("avx2")) return avx2::plan_table();
#endif
  return baseline::plan_table();
}

}  // namespace bidl
