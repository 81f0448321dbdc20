// Compiled once per instruction set; plain loops over plain arithmetic, which the compiler turns into vectors.
#include "adam.h"

#include <cmath>

#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {

void adam(const AdamStep& a, int64_t size, const float* p, const float* grad, const float* m, const float* v,
          float* __restrict p_out, float* __restrict m_out, float* __restrict v_out) {
  parallel(size / 32768 + 1, [&](const Region& region) {
    int64_t first, last;
    region.share(size, first, last);
    for (int64_t i = first; i < last; ++i) {
      const float g = grad[i] + a.decay * p[i];
      const float mean = m[i] * a.beta1 + g * a.rest1;
      const float square = v[i] * a.beta2 + g * g * a.rest2;
      m_out[i] = mean;
      v_out[i] = square;
      p_out[i] = p[i] - mean / (std::sqrt(square) + a.epsilon) * a.rate;
    }
  });
}

}  // namespace BIDL_ISA
}  // namespace bidl
