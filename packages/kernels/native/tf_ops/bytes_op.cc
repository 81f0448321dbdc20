#include "../pool/pool.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// A bool tensor, which holds a byte an element, read as numbers from 0 to 255.
void compute(void*, TF_OpKernelContext* raw) {
  Context context(raw);
  TF_Tensor* input = context.input(0);
  if (input == nullptr) return;
  float* out = context.output_like(0, input);
  const auto* bytes = static_cast<const unsigned char*>(api.TF_TensorData(input));
  const int64_t size = api.TF_TensorElementCount(input);
  parallel(size / 65536 + 1, [&](const Region& region) {
    int64_t first, last;
    region.share(size, first, last);
    for (int64_t i = first; i < last; ++i) out[i] = bytes[i];
  });
}

}  // namespace

const char* define_bytes() {
  return define("BidlBytesToFloat", {"bytes: bool"}, {"y: float"}, {}, nullptr, compute, nullptr);
}

}  // namespace bidl::tf
