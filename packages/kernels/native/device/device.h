// A simulated device: bounded memory, one thread, and streams whose commands it runs in order. Streams take turns,
// command by command; one that waits for an event or an output is passed over.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../plan/plan.h"

namespace bidl {

/// A blocking semaphore: a recording adds one, a wait takes one. Devices share them.
struct Event {
  std::atomic<int64_t> count{0};
  std::atomic<int64_t> recorded_at{0};  // nanoseconds
};

/// A network on a device. Its state lies in the device's memory.
struct Model {
  std::unique_ptr<Plan> plan;
  uint8_t* state;
  int64_t sent = 0;  // inputs that were computed and not yet received
};

struct Command {
  enum Kind : int32_t { copy, fill, reset, step, send, receive, record, wait, callback, notify, fault, kinds } kind;
  int32_t call = 0;  // which driver call it comes from: an id of the caller's
  uint8_t *dst = nullptr, *src = nullptr;
  int64_t n = 0;     // bytes, or samples
  int64_t steps = 1;  // of a model, one after the other in memory
  int64_t id = 0;    // of a model, a notification, a callback; value of a fill; code of a fault
  bool blocking = false;
  Event* event = nullptr;
};

/// What a device has to tell. Comes from its thread.
struct Message {
  enum Kind : int32_t { notified, callback, error } kind;
  int64_t stream, id;
  int32_t code, call;
};

class Device {
 public:
  /// Thrown where memory can't be had.
  struct OutOfMemory {};
  using Tell = std::function<void(const Message&)>;
  /// `peers` is called whenever an event was recorded, for other devices may wait for it.
  Device(int64_t memory_bytes, Tell tell, std::function<void(Device*)> peers);
  /// Stops after the command that is running; what is left in the streams is dropped.
  ~Device();
  Device(const Device&) = delete;

  uint8_t* memory() { return memory_; }
  int64_t memory_bytes() const { return memory_bytes_; }

  int64_t open_stream();
  /// Waits for the command that is running and drops the rest; notifications among it are told as dropped.
  void close_stream(int64_t stream);
  int64_t open_model(std::unique_ptr<Plan> plan, uint8_t* state);
  void close_model(int64_t model);
  bool has_stream(int64_t stream);
  bool has_model(int64_t model);

  void enqueue(int64_t stream, const Command& command);
  /// The function behind a blocking callback has returned.
  void resume(int64_t stream);
  /// Forgets a failure, after which commands run again.
  void recover();
  void poke();

  static constexpr int32_t DROPPED = -1;  // code of notifications whose stream was closed

 private:
  struct Stream {
    std::vector<Command> ring;  // a power of two
    size_t first = 0, size = 0;
    bool in_callback = false;
    const Command& front() const { return ring[first]; }
    void push(const Command& command);
    Command pop();
  };
  void work();
  void gather(Stream& stream, Command& command);
  Stream* next_runnable(int64_t& index);
  bool runnable(const Stream& stream);
  void execute(int64_t stream, const Command& command, std::unique_lock<std::mutex>& lock);
  void fail(int64_t stream, int32_t code, int32_t call);

  const int64_t memory_bytes_;
  uint8_t* memory_;
  const Tell tell_;
  const std::function<void(Device*)> peers_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Model>> models_;
  std::atomic<uint64_t> version_{0};
  int64_t turn_ = 0, running_ = -1;
  int32_t failure_ = 0, failed_call_ = 0;
  bool sleeping_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace bidl
