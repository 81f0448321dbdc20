// Memory for large outputs that replace one another: what TensorFlow gives back from one call serves the next. Fresh
// memory of this size comes in pages that the system clears first, which costs more than the arithmetic.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tf_api.h"

namespace bidl::tf {

/// Outputs of one call of one op. Memory that no call has used since the last one is freed at the end.
class Recycled {
 public:
  Recycled();
  Recycled(const Recycled&) = delete;
  ~Recycled();

  /// A float tensor whose memory comes back here once nobody holds it any more, whoever that is; null without memory.
  TF_Tensor* tensor(const std::vector<int64_t>& shape);
};

}  // namespace bidl::tf
