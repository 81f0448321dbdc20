#include "team.h"

#include <chrono>

#include "relax.h"

namespace bidl {
namespace {
constexpr auto PATIENCE = std::chrono::microseconds(200);  // how long a helper spins before it sleeps
}

Team::Team(int members) {
  for (int id = 1; id < members; ++id) helpers_.emplace_back([this, id] { work(id); });
}

Team::~Team() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void Team::run(const std::function<void(int64_t)>& job) {
  job_ = &job;
  jobs_.fetch_add(1);
  if (parked_.load() > 0) {
    { std::lock_guard<std::mutex> lock(mutex_); }  // none is between its last look and its sleep
    wake_.notify_all();
  }
  job(0);
  jobs_.fetch_add(1);
  for (int spins = 0; inside_.load() > 0; ++spins) relax(spins);
}

void Team::work(int id) {
  uint64_t seen = 0;
  const auto fresh = [&] { return stop_ || (jobs_.load() % 2 == 1 && jobs_.load() != seen); };
  for (;;) {
    const auto until = std::chrono::steady_clock::now() + PATIENCE;
    for (int spins = 1; !fresh(); ++spins) {
      relax();
      if (spins % 64 != 0 || std::chrono::steady_clock::now() < until) continue;
      std::unique_lock<std::mutex> lock(mutex_);
      parked_.fetch_add(1);
      wake_.wait(lock, fresh);
      parked_.fetch_sub(1);
    }
    if (stop_) return;
    // Inside first, then a look whether the job is still open: the caller closes it first, then looks who is inside.
    inside_.fetch_add(1);
    const uint64_t current = jobs_.load();
    if (current % 2 == 1 && current != seen) {
      seen = current;
      (*job_)(id);
    }
    inside_.fetch_sub(1);
  }
}

}  // namespace bidl
