#include "pool.h"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace bidl {
namespace {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Pool {
 public:
  // Never destroyed: its threads are parked when the process ends, and joining them there could deadlock.
  static Pool& instance() {
    static Pool* pool = new Pool(thread_count() - 1);
    return *pool;
  }

  void run(int64_t wanted, const std::function<void(const Region&)>& body) {
    std::unique_lock<std::mutex> region(region_, std::try_to_lock);
    const int threads = region.owns_lock() ? static_cast<int>(std::min<int64_t>(wanted, size_ + 1)) : 1;
    Barrier barrier(threads);
    if (threads <= 1) {
      body(Region{0, 1, barrier});
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      barrier_ = &barrier;
      threads_ = threads;
      pending_ = threads - 1;
      ++generation_;
    }
    wake_.notify_all();
    body(Region{0, threads, barrier});
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return pending_ == 0; });
    body_ = nullptr;
  }

 private:
  explicit Pool(int size) : size_(size) {
    for (int i = 1; i <= size; ++i) std::thread([this, i] { work(i); }).detach();
  }

  void work(int id) {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (id >= threads_ || body_ == nullptr) continue;
      const auto* body = body_;
      const Region region{id, threads_, *barrier_};
      lock.unlock();
      (*body)(region);
      lock.lock();
      if (--pending_ == 0) done_.notify_one();
    }
  }

  const int size_;
  std::mutex region_;  // one region at a time
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(const Region&)>* body_ = nullptr;
  Barrier* barrier_ = nullptr;
  int threads_ = 0;
  int pending_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace

void Barrier::wait() {
  const uint32_t generation = generation_.load(std::memory_order_acquire);
  if (waiting_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    waiting_.store(parties_, std::memory_order_relaxed);
    generation_.store(generation + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; generation_.load(std::memory_order_acquire) == generation; ++spins) {
    if (spins < 4096) {
      relax();
    } else {
      sched_yield();
    }
  }
}

int thread_count() {
  static const int count = [] {
    if (const char* text = std::getenv("BIDL_NUM_THREADS")) {
      const int asked = std::atoi(text);
      if (asked > 0) return asked;
    }
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) return CPU_COUNT(&cpus);
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    return cores > 0 ? cores : 1;
  }();
  return count;
}

void parallel(int64_t wanted, const std::function<void(const Region&)>& body) { Pool::instance().run(wanted, body); }

}  // namespace bidl
