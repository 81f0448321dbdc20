#include "../product/product.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// a, b -> a · b, or aᵀ · b.
template <bool TRANSPOSED, bool LOOKUP>
void compute(void*, TF_OpKernelContext* raw) {
  Context context(raw);
  TF_Tensor* a = context.input(0);
  TF_Tensor* b = context.input(1);
  if (a == nullptr || b == nullptr) return;
  auto left = Context::shape(a), right = Context::shape(b);
  const bool batch = left.size() == 3 && right.size() == 3 && left[0] == 1 && right[0] == 1;  // of one matrix
  if (batch) {
    left.erase(left.begin());
    right.erase(right.begin());
  }
  const bool fit = left.size() == 2 && right.size() == 2 && left[TRANSPOSED ? 0 : 1] == right[0] &&
                   right[1] % product_kernels().width == 0 &&
                   (!LOOKUP || product_kernels().lookup_fits(left[1], right[1]));
  if (!fit) return context.fail("BidlSparseMatMul: a and b must be matrices that fit, b of whole vectors");
  std::vector<int64_t> shape = {left[TRANSPOSED ? 1 : 0], right[1]};
  if (batch) shape.insert(shape.begin(), 1);
  float* y = context.output(0, shape);
  if (y == nullptr || left[0] * left[1] * right[1] == 0) return;
  const ProductKernels& kernels = product_kernels();
  const auto run = LOOKUP ? kernels.lookup_product : TRANSPOSED ? kernels.transposed_product : kernels.product;
  run(static_cast<const float*>(api.TF_TensorData(a)), static_cast<const float*>(api.TF_TensorData(b)), left[0], left[1],
      right[1], y);
}

}  // namespace

const char* define_product() {
  const auto with = [](const char* name, void (*run)(void*, TF_OpKernelContext*)) {
    return define(name, {"a: float", "b: float"}, {"y: float"}, {}, nullptr, run, nullptr);
  };
  const char* error = with("BidlSparseMatMul", compute<false, false>);
  if (error == nullptr) error = with("BidlSparseMatMulTransposed", compute<true, false>);
  if (error == nullptr) error = with("BidlLookupMatMul", compute<false, true>);
  return error;
}

}  // namespace bidl::tf
