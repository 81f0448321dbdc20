#include "../cpu/isa.h"
#include "kernels.h"

namespace bidl {

#define BIDL_PLAN_KERNELS(isa)                                                                                  \
  namespace isa {                                                                                               \
  void plan_find(const void*, Format, const NonZeros&, int64_t, int64_t);                                       \
  void plan_sums_of_list(const Sums&, const NonZeros*);                                                         \
  void plan_prepare_spikes(const Sums&, const Fours*, SpikeWork&);                                              \
  void plan_sums_of_spikes(const Sums&, SpikeWork&);                                                            \
  void plan_element(Op, const Elements&);                                                                       \
  void plan_fire(const Fire&);                                                                                  \
  void plan_note(const Image&, int64_t, int64_t, int64_t, uint8_t*, int64_t, int64_t);                          \
  void plan_pool(const Image&, const Window&, int64_t, bool, int64_t, int64_t, float*, int64_t);                \
  void plan_grouped(const float*, const Window&, int, const float*, const float*, int64_t, int64_t, float*);    \
  static const PlanKernels& plan_table() {                                                                      \
    static const PlanKernels table = {#isa,         plan_find, plan_sums_of_list, plan_prepare_spikes,          \
                                      plan_sums_of_spikes, plan_element, plan_fire, plan_note, plan_pool,       \
                                      plan_grouped};                                                            \
    return table;                                                                                               \
  }                                                                                                             \
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
