// The kernels of one instruction set, and the choice among them.
#pragma once
#include "../max_pool/max_pool.h"
#include "../norm/norm.h"
#include "../scan/noise.h"
#include "../update/update.h"

namespace bidl {

struct Kernels {
  const char* isa;
  void (*max_pool)(const MaxPool&, const float* x, float* y);
  void (*max_pool_grad)(const MaxPool&, const float* x, const float* dy, float* dx);
  /// Of two rows, the maxima and which of their four inputs they are: 0 to 3, row by row, the first where several are;
  /// nobody asks for those where `choice` is null.
  void (*max_pool_rows)(const MaxPoolRows&, const float* x, float* y, uint8_t* choice);
  void (*max_unpool_rows)(const MaxPoolRows&, const float* dy, const uint8_t* choice, float* dx);
  void (*noise_row)(const NoiseRow&, float* out);
  void (*norm_forward)(const NormForward&);
  void (*norm_backward)(const NormBackward&);
  void (*update)(const UpdateProgram&, const float* numbers, const std::vector<UpdateArrays>&);
};

/// The kernels for the best instruction set that this processor has (BIDL_ISA=baseline|avx2|avx512 overrides).
const Kernels& kernels();

}  // namespace bidl
