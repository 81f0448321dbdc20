#include "../cpu/kernels.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

void compute(void*, TF_OpKernelContext* raw) {
  Context context(raw);
  TF_Tensor* x = context.input(0);
  TF_Tensor* dy = context.input(1);
  if (x == nullptr || dy == nullptr) return;
  const auto in = Context::shape(x), out = Context::shape(dy);
  if (in.size() != 4 || out != std::vector<int64_t>{in[0], in[1] / 2, in[2] / 2, in[3]}) {
    context.fail("BidlMaxPool2x2Grad: x must be [N, H, W, C] and dy [N, H/2, W/2, C]");
    return;
  }
  float* dx = context.output_like(0, x);
  kernels().max_pool_grad({in[0], in[1], in[2], in[3]}, static_cast<const float*>(api.TF_TensorData(x)),
                          static_cast<const float*>(api.TF_TensorData(dy)), dx);
}

}  // namespace

const char* define_max_pool() {
  return define("BidlMaxPool2x2Grad", {"x: float", "dy: float"}, {"dx: float"}, {}, nullptr, compute, nullptr);
}

}  // namespace bidl::tf
