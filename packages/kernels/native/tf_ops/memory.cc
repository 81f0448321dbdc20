#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "tf_api.h"

namespace bidl::tf {

void use_huge_pages() {
  // One large block makes the allocator map a region, which stays when the block is freed. It is address space only
  // until somebody writes to it; the allocator's own table of it takes a 32nd of its size.
  const uintptr_t page = 2 << 20;
  const uintptr_t memory = static_cast<uintptr_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  const int64_t size = static_cast<int64_t>(std::min<uintptr_t>(memory / 8, uintptr_t{1} << 30));
  TF_Tensor* block = api.TF_AllocateTensor(TF_UINT8, &size, 1, static_cast<size_t>(size));
  if (block == nullptr) return;
  if (void* data = api.TF_TensorData(block)) {
    const uintptr_t first = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
    madvise(reinterpret_cast<void*>(first), size - page, MADV_HUGEPAGE);
  }
  api.TF_DeleteTensor(block);
}

}  // namespace bidl::tf
