// The kernels of one instruction set, and the choice among them.
#pragma once
#include "../max_pool/max_pool.h"
#include "../scan/lif_scan.h"
#include "../update/update.h"

namespace bidl {

struct Kernels {
  const char* isa;
  void (*lif_forward)(const LifScan&, const LifForward&);
  void (*lif_backward)(const LifScan&, const LifBackward&);
  void (*max_pool_grad)(const MaxPool2x2&, const float* x, const float* dy, float* dx);
  void (*update)(const UpdateProgram&, const float* numbers, const std::vector<UpdateArrays>&);
};

/// The kernels for the best instruction set that this processor has (BIDL_ISA=baseline|avx2|avx512 overrides).
const Kernels& kernels();

}  // namespace bidl
