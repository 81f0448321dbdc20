// What a thread does while it waits for another that is at work.
#pragma once
#include <sched.h>

namespace bidl {

/// A moment in a loop that has turned `spins` times: spins at first, then leaves the core to others now and then.
inline void relax(int spins = 0) {
  if (spins >= 4096) {
    sched_yield();
    return;
  }
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace bidl
