#include "ops.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace bidl::tf {

void keep_freed_memory() {
#if defined(__GLIBC__)
  // Without this every tensor above 32 MB is mapped anew and given back, so that each of its pages is cleared and faulted
  // in again at every step: a quarter of a training step's time.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace bidl::tf
