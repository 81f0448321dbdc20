// A pool of parked threads for data-parallel regions. Threads sleep between regions, so that they never
// compete with TensorFlow's own pool for a core; inside a region they may meet at a spinning barrier.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>

namespace bidl {

/// Meeting point of the threads of one region. Spins briefly, then yields the core.
class Barrier {
 public:
  explicit Barrier(int parties) : parties_(parties), waiting_(parties) {}
  void wait();

 private:
  const int parties_;
  std::atomic<int> waiting_;
  std::atomic<uint32_t> generation_{0};
};

/// How many threads a region may use: the cores this process may run on, or BIDL_NUM_THREADS.
int thread_count();

/// What a thread of a region sees of it.
struct Region {
  int thread, threads;
  Barrier& barrier;
  /// The part [first, last) of `count` items that falls to this thread.
  void share(int64_t count, int64_t& first, int64_t& last) const {
    first = count * thread / threads;
    last = count * (thread + 1) / threads;
  }
};

/// Runs `body` on up to `wanted` threads at once, the caller among them, and returns when all are done. A second
/// region that starts meanwhile (from another worker thread) runs on its caller alone: results must therefore
/// not depend on the number of threads.
void parallel(int64_t wanted, const std::function<void(const Region&)>& body);

}  // namespace bidl
