#include "../cpu/kernels.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// Inputs: param, grad, m, v, numbers [7] in the order of AdamStep (they change every step, so they are no
/// attributes, which TensorFlow would keep a kernel for each of).
void compute(void*, TF_OpKernelContext* raw) {
  Context context(raw);
  TF_Tensor* tensors[5];
  for (int i = 0; i < 5; ++i) {
    if ((tensors[i] = context.input(i)) == nullptr) return;
  }
  const int64_t size = api.TF_TensorElementCount(tensors[0]);
  for (int i = 1; i < 4; ++i) {
    if (api.TF_TensorElementCount(tensors[i]) != size) return context.fail("BidlAdam: param, grad, m and v must agree in shape");
  }
  if (api.TF_TensorElementCount(tensors[4]) != 7) return context.fail("BidlAdam: numbers must be [7]");
  const auto data = [&](int i) { return static_cast<const float*>(api.TF_TensorData(tensors[i])); };
  const float* n = data(4);
  float* p = context.output_like(0, tensors[0]);
  float* m = context.output_like(1, tensors[0]);
  float* v = context.output_like(2, tensors[0]);
  kernels().adam({n[0], n[1], n[2], n[3], n[4], n[5], n[6]}, size, data(0), data(1), data(2), data(3), p, m, v);
}

}  // namespace

const char* define_adam() {
  return define("BidlAdam", {"param: float", "grad: float", "m: float", "v: float", "numbers: float"},
                {"param_out: float", "m_out: float", "v_out: float"}, {}, nullptr, compute, nullptr);
}

}  // namespace bidl::tf
