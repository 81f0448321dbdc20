// The kernels of one instruction set, and the choice among them.
#pragma once
#include "../adam/adam.h"
#include "../max_pool/max_pool.h"
#include "../scan/noise.h"

namespace bidl {

struct Kernels {
  const char* isa;
  void (*max_pool_grad)(const MaxPool2x2&, const float* x, const float* dy, float* dx);
  /// Of two rows, the maxima and which of their four inputs they are: 0 to 3, row by row, the first where several are.
  void (*max_pool_rows)(const MaxPoolRows&, const float* x, float* y, uint8_t* choice);
  void (*max_unpool_rows)(const MaxPoolRows&, const float* dy, const uint8_t* choice, float* dx);
  void (*noise_row)(const NoiseRow&, float* out);
  void (*adam)(const AdamStep&, int64_t size, const float* p, const float* grad, const float* m, const float* v,
               float* p_out, float* m_out, float* v_out);
};

/// The kernels for the best instruction set that this processor has (BIDL_ISA=baseline|avx2|avx512 overrides).
const Kernels& kernels();

}  // namespace bidl
