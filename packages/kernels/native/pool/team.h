// A few threads that take many short jobs one right after the other: between jobs they spin for a moment, where the pool's
// threads would sleep and wake up too late.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bidl {

class Team {
 public:
  /// @param members how many work on a job, the caller among them
  explicit Team(int members);
  ~Team();
  Team(const Team&) = delete;

  /// Calls `job` with 0 on the caller, and with 1 and so on on every other member that gets there before the caller is
  /// done; a member that sleeps or has no core is not waited for. So it must be right whoever comes, and when.
  void run(const std::function<void(int64_t)>& job);

 private:
  void work(int id);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> jobs_{0};  // odd while one is open
  std::atomic<int> parked_{0}, inside_{0};
  std::atomic<bool> stop_{false};
  const std::function<void(int64_t)>* job_ = nullptr;
  std::vector<std::thread> helpers_;
};

}  // namespace bidl
