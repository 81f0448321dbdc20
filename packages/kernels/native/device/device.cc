#include "device.h"

#include <sys/mman.h>

#include <cstring>

#include "../pool/relax.h"

namespace bidl {
namespace {
constexpr int SPINS = 2000;  // about 20 microseconds: shorter than waking a thread

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
}  // namespace

void Device::Stream::push(const Command& command) {
  if (size == ring.size()) {
    std::vector<Command> larger(ring.empty() ? 64 : 2 * ring.size());
    for (size_t i = 0; i < size; ++i) larger[i] = ring[(first + i) & (ring.size() - 1)];
    ring.swap(larger);
    first = 0;
  }
  ring[(first + size++) & (ring.size() - 1)] = command;
}

Command Device::Stream::pop() {
  const Command command = ring[first];
  first = (first + 1) & (ring.size() - 1);
  --size;
  return command;
}

Device::Device(int64_t memory_bytes, Tell tell, std::function<void(Device*)> peers)
    : memory_bytes_(memory_bytes), tell_(std::move(tell)), peers_(std::move(peers)) {
  // Pages come into being when they are first written.
  void* memory = mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw OutOfMemory{};
  memory_ = static_cast<uint8_t*>(memory);
  thread_ = std::thread([this] { work(); });
}

Device::~Device() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    version_.fetch_add(1);
  }
  wake_.notify_all();
  thread_.join();
  munmap(memory_, memory_bytes_);
}

int64_t Device::open_stream() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i] != nullptr) continue;
    streams_[i] = std::make_unique<Stream>();
    return static_cast<int64_t>(i);
  }
  streams_.push_back(std::make_unique<Stream>());
  return static_cast<int64_t>(streams_.size()) - 1;
}

void Device::close_stream(int64_t stream) {
  std::unique_lock<std::mutex> lock(mutex_);
  idle_.wait(lock, [&] { return running_ != stream; });
  std::unique_ptr<Stream> closed = std::move(streams_[stream]);
  lock.unlock();
  while (closed->size > 0) {
    const Command command = closed->pop();
    if (command.kind == Command::notify) tell_({Message::notified, stream, command.id, DROPPED, command.call});
  }
}

int64_t Device::open_model(std::unique_ptr<Plan> plan, uint8_t* state) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto model = std::make_unique<Model>();
  model->plan = std::move(plan);
  model->state = state;
  for (size_t i = 0; i < models_.size(); ++i) {
    if (models_[i] != nullptr) continue;
    models_[i] = std::move(model);
    return static_cast<int64_t>(i);
  }
  models_.push_back(std::move(model));
  return static_cast<int64_t>(models_.size()) - 1;
}

void Device::close_model(int64_t model) {
  std::unique_lock<std::mutex> lock(mutex_);
  idle_.wait(lock, [&] { return running_ < 0; });
  models_[model].reset();
}

bool Device::has_stream(int64_t stream) {
  std::lock_guard<std::mutex> lock(mutex_);
  return stream >= 0 && stream < static_cast<int64_t>(streams_.size()) && streams_[stream] != nullptr;
}

bool Device::has_model(int64_t model) {
  std::lock_guard<std::mutex> lock(mutex_);
  return model >= 0 && model < static_cast<int64_t>(models_.size()) && models_[model] != nullptr;
}

void Device::enqueue(int64_t stream, const Command& command) {
  bool asleep;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    streams_[stream]->push(command);
    version_.fetch_add(1, std::memory_order_release);
    asleep = sleeping_;
  }
  if (asleep) wake_.notify_one();
}

void Device::resume(int64_t stream) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (streams_[stream] != nullptr) streams_[stream]->in_callback = false;
    version_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_one();
}

void Device::recover() {
  std::lock_guard<std::mutex> lock(mutex_);
  failure_ = 0;
}

void Device::poke() {
  bool asleep;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    version_.fetch_add(1, std::memory_order_release);
    asleep = sleeping_;
  }
  if (asleep) wake_.notify_one();
}

bool Device::runnable(const Stream& stream) {
  if (stream.size == 0 || stream.in_callback) return false;
  if (failure_ != 0) return true;  // everything is dropped, nothing waits
  const Command& command = stream.front();
  if (command.kind == Command::wait) return command.event->count.load(std::memory_order_acquire) > 0;
  if (command.kind == Command::receive) {
    const auto& model = models_[command.id];
    return model == nullptr || model->sent > 0;
  }
  return true;
}

Device::Stream* Device::next_runnable(int64_t& index) {
  const auto count = static_cast<int64_t>(streams_.size());
  for (int64_t i = 0; i < count; ++i) {
    index = (turn_ + i) % count;
    Stream* stream = streams_[index].get();
    if (stream == nullptr || !runnable(*stream)) continue;
    turn_ = index + 1;
    return stream;
  }
  return nullptr;
}

/// Takes along the steps behind `command` that are the next ones of the same model: what they read and write follows. A
/// plan runs several steps faster than one after the other, and nothing in a stream can tell the difference.
void Device::gather(Stream& stream, Command& command) {
  if (command.kind != Command::step && command.kind != Command::send) return;
  const Model* model = command.id < static_cast<int64_t>(models_.size()) ? models_[command.id].get() : nullptr;
  if (model == nullptr) return;
  const int64_t most = model->plan->steps_at_once();
  const int64_t input = command.n * model->plan->program().input_bytes;
  const int64_t output = command.n * model->plan->program().output_bytes;
  while (command.steps < most && stream.size > 0) {
    const Command& next = stream.front();
    if (next.kind != command.kind || next.id != command.id || next.n != command.n ||
        next.src != command.src + command.steps * input || next.dst != command.dst + command.steps * output) {
      return;
    }
    stream.pop();
    ++command.steps;
  }
}

void Device::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    int64_t index;
    const uint64_t version = version_.load(std::memory_order_acquire);
    if (Stream* stream = next_runnable(index)) {
      Command command = stream->pop();
      gather(*stream, command);
      if (command.kind == Command::callback && command.blocking && failure_ == 0) stream->in_callback = true;
      running_ = index;
      execute(index, command, lock);
      running_ = -1;
      idle_.notify_all();
      continue;
    }
    lock.unlock();
    for (int i = 0; i < SPINS && version_.load(std::memory_order_acquire) == version; ++i) relax();
    lock.lock();
    sleeping_ = true;
    wake_.wait(lock, [&] { return stop_ || version_.load(std::memory_order_acquire) != version; });
    sleeping_ = false;
  }
}

/// Commands after a failure don't run, but those whom others wait for are kept: events and notifications.
void Device::execute(int64_t stream, const Command& command, std::unique_lock<std::mutex>& lock) {
  const bool failed = failure_ != 0;
  Model* model = nullptr;
  if (command.kind == Command::step || command.kind == Command::send || command.kind == Command::reset ||
      command.kind == Command::receive) {
    model = command.id < static_cast<int64_t>(models_.size()) ? models_[command.id].get() : nullptr;
    if (model == nullptr || failed) return;
  }
  switch (command.kind) {
    case Command::wait:
      if (!failed) command.event->count.fetch_sub(1, std::memory_order_acq_rel);
      return;
    case Command::receive: --model->sent; return;
    case Command::fault: return fail(stream, static_cast<int32_t>(command.id), command.call);
    default: break;
  }
  const int32_t code = failure_, call = failed_call_;
  lock.unlock();
  switch (command.kind) {
    case Command::copy:
      if (!failed) std::memmove(command.dst, command.src, command.n);
      break;
    case Command::fill:
      if (!failed) std::memset(command.dst, static_cast<int>(command.id), command.n);
      break;
    case Command::reset: model->plan->reset(model->state, command.n); break;
    case Command::step:
    case Command::send: model->plan->run(command.src, command.dst, model->state, command.n, command.steps); break;
    case Command::record:
      command.event->recorded_at.store(now(), std::memory_order_relaxed);
      command.event->count.fetch_add(1, std::memory_order_release);
      peers_(this);
      break;
    case Command::callback:
      if (!failed) tell_({Message::callback, stream, command.id, 0, command.call});
      break;
    case Command::notify: tell_({Message::notified, stream, command.id, code, call}); break;
    default: break;
  }
  lock.lock();
  if (command.kind == Command::send) model->sent += command.steps;
}

void Device::fail(int64_t stream, int32_t code, int32_t call) {
  if (failure_ != 0) return;
  failure_ = code;
  failed_call_ = call;
  tell_({Message::error, stream, 0, code, call});
}

}  // namespace bidl
