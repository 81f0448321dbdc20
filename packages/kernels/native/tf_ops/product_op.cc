#include "../product/product.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// a, b -> a · b, or aᵀ · b.
template <bool TRANSPOSED>
void compute(void*, TF_OpKernelContext* raw) {
  Context context(raw);
  TF_Tensor* a = context.input(0);
  TF_Tensor* b = context.input(1);
  if (a == nullptr || b == nullptr) return;
  const auto left = Context::shape(a), right = Context::shape(b);
  const bool fit = left.size() == 2 && right.size() == 2 && left[TRANSPOSED ? 0 : 1] == right[0] &&
                   right[1] % product_kernels().width == 0;
  if (!fit) return context.fail("BidlSparseMatMul: a and b must be matrices that fit, b of whole vectors");
  float* y = context.output(0, {left[TRANSPOSED ? 1 : 0], right[1]});
  if (y == nullptr || left[0] * left[1] * right[1] == 0) return;
  const auto run = TRANSPOSED ? product_kernels().transposed_product : product_kernels().product;
  run(static_cast<const float*>(api.TF_TensorData(a)), static_cast<const float*>(api.TF_TensorData(b)), left[0], left[1],
      right[1], y);
}

}  // namespace

const char* define_product() {
  const char* error = define("BidlSparseMatMul", {"a: float", "b: float"}, {"y: float"}, {}, nullptr, compute<false>, nullptr);
  if (error != nullptr) return error;
  return define("BidlSparseMatMulTransposed", {"a: float", "b: float"}, {"y: float"}, {}, nullptr, compute<true>, nullptr);
}

}  // namespace bidl::tf
