// A few threads that take many short regions one right after the other: between regions they spin for a moment, where
// the pool's threads would sleep and wake up too late.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "pool.h"

namespace bidl {

class Team {
 public:
  /// @param threads how many work on a region, the caller among them
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;

  /// Runs `body` on all threads, or on the caller alone while the others are still asleep (they are woken then).
  void run(const std::function<void(const Region&)>& body);

 private:
  void work(int id);

  const int threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> parked_{0}, pending_{0};
  std::atomic<bool> stop_{false};
  uint64_t pokes_ = 0;
  const std::function<void(const Region&)>* body_ = nullptr;
  Barrier barrier_;
  std::vector<std::thread> helpers_;
};

}  // namespace bidl
