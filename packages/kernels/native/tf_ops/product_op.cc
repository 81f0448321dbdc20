#include <utility>

#include "../product/product.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// a, b -> a · b, aᵀ · b or a · bᵀ.
template <Transposed WHICH, ProductWay WAY>
void compute(void*, TF_OpKernelContext* raw) {
  constexpr int LEFT = WHICH == Transposed::left ? 1 : 0, RIGHT = WHICH == Transposed::right ? 1 : 0;
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
  const ProductKernels& kernels = product_kernels();
  const bool fit = left.size() == 2 && right.size() == 2 && left[1 - LEFT] == right[RIGHT] &&
                   right[1 - RIGHT] % kernels.width == 0 &&
                   (WAY != ProductWay::lookup || kernels.lookup_fits(WHICH, left[LEFT], left[1 - LEFT], right[1]));
  if (!fit) return context.fail("BidlMatMul: a and b must be matrices that fit, b of whole vectors");
  std::vector<int64_t> shape = {left[LEFT], right[1 - RIGHT]};
  if (batch) shape.insert(shape.begin(), 1);
  float* y = context.output(0, shape);
  if (y == nullptr || left[0] * left[1] * right[1 - RIGHT] == 0) return;
  const auto* from = static_cast<const float*>(api.TF_TensorData(a));
  const auto* with = static_cast<const float*>(api.TF_TensorData(b));
  const int64_t m = left[0], k = left[1], n = right[1 - RIGHT];
  if constexpr (WAY == ProductWay::dense) kernels.dense_product(from, with, WHICH, left[LEFT], left[1 - LEFT], n, y);
  else if constexpr (WAY == ProductWay::lookup) kernels.lookup_product(from, with, WHICH, left[LEFT], left[1 - LEFT], n, y);
  else if constexpr (LEFT != 0) kernels.left_transposed_product(from, with, m, k, n, y);
  else if constexpr (RIGHT != 0) kernels.right_transposed_product(from, with, m, k, n, y);
  else kernels.product(from, with, m, k, n, y);
}

}  // namespace

const char* define_product() {
  const auto with = [](const char* name, void (*run)(void*, TF_OpKernelContext*)) {
    return define(name, {"a: float", "b: float"}, {"y: float"}, {}, nullptr, run, nullptr);
  };
  const char* error = nullptr;
  for (const auto& [name, run] : {
           std::pair{"BidlLookupMatMul", compute<Transposed::none, ProductWay::lookup>},
           std::pair{"BidlLookupMatMulLeftTransposed", compute<Transposed::left, ProductWay::lookup>},
           std::pair{"BidlSparseMatMul", compute<Transposed::none, ProductWay::sparse>},
           std::pair{"BidlSparseMatMulLeftTransposed", compute<Transposed::left, ProductWay::sparse>},
           std::pair{"BidlSparseMatMulRightTransposed", compute<Transposed::right, ProductWay::sparse>},
           std::pair{"BidlDenseMatMul", compute<Transposed::none, ProductWay::dense>},
           std::pair{"BidlDenseMatMulLeftTransposed", compute<Transposed::left, ProductWay::dense>},
           std::pair{"BidlDenseMatMulRightTransposed", compute<Transposed::right, ProductWay::dense>},
       }) {
    if (error == nullptr) error = with(name, run);
  }
  return error;
}

}  // namespace bidl::tf
