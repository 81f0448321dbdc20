// The kernels of one instruction set, and the choice among them.
#pragma once
#include "../adam/adam.h"
#include "../max_pool/max_pool.h"

namespace bidl {

struct Kernels {
  const char* isa;
  void (*max_pool_grad)(const MaxPool2x2&, const float* x, const float* dy, float* dx);
  void (*adam)(const AdamStep&, int64_t size, const float* p, const float* grad, const float* m, const float* v,
               float* p_out, float* m_out, float* v_out);
};

/// The kernels for the best instruction set that this processor has (BIDL_ISA=baseline|avx2|avx512 overrides).
const Kernels& kernels();

}  // namespace bidl
