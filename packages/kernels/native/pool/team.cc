#include "team.h"

#include <sched.h>

#include <chrono>

namespace bidl {
namespace {
constexpr auto PATIENCE = std::chrono::microseconds(200);  // how long a helper spins before it sleeps

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
}  // namespace

Team::Team(int threads) : threads_(threads), barrier_(threads) {
  for (int id = 1; id < threads; ++id) helpers_.emplace_back([this, id] { work(id); });
}

Team::~Team() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void Team::run(const std::function<void(const Region&)>& body) {
  if (parked_.load() > 0) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      ++pokes_;
    }
    wake_.notify_all();
    Barrier alone(1);
    body(Region{0, 1, alone});
    return;
  }
  body_ = &body;
  pending_.store(threads_ - 1);
  generation_.fetch_add(1);
  if (parked_.load() > 0) {  // one fell asleep just now
    std::lock_guard<std::mutex> lock(mutex_);
    wake_.notify_all();
  }
  body(Region{0, threads_, barrier_});
  for (int spins = 0; pending_.load(std::memory_order_acquire) > 0; ++spins) spins < 4096 ? relax() : (void)sched_yield();
}

void Team::work(int id) {
  uint64_t seen = 0, poked = 0;
  for (;;) {
    const auto until = std::chrono::steady_clock::now() + PATIENCE;
    for (int spins = 1; generation_.load(std::memory_order_acquire) == seen; ++spins) {
      relax();
      if (spins % 64 == 0 && std::chrono::steady_clock::now() > until) break;
    }
    if (generation_.load() == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      parked_.fetch_add(1);
      wake_.wait(lock, [&] { return stop_ || generation_.load() != seen || pokes_ != poked; });
      poked = pokes_;
      parked_.fetch_sub(1);
      if (stop_) return;
      continue;
    }
    ++seen;
    (*body_)(Region{id, threads_, barrier_});
    pending_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace bidl
