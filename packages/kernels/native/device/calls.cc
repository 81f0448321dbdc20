// Devices, streams, events and models for JavaScript; src/plan/library.ts has the types.
#include <cstring>

#include "../plan/addon.h"

namespace bidl {
namespace {

void deliver(napi_env env, napi_value listener, void*, void* data) {
  std::unique_ptr<Message> message(static_cast<Message*>(data));
  if (env == nullptr) return;
  napi_value args[5], undefined;
  napi_create_int32(env, message->kind, &args[0]);
  napi_create_int64(env, message->stream, &args[1]);
  napi_create_int64(env, message->id, &args[2]);
  napi_create_int32(env, message->code, &args[3]);
  napi_create_int32(env, message->call, &args[4]);
  napi_get_undefined(env, &undefined);
  napi_call_function(env, undefined, listener, 5, args, nullptr);
}

/// Ends a device; its thread may still be waking others, so it is taken out of their sight first.
void end(Attached& attached) {
  std::unique_ptr<Device> device;  // destroyed last, without the lock
  std::lock_guard<std::mutex> lock(attached.host->guard);
  std::swap(device, attached.device);
}

/// openDevice(memoryBytes, listener) -> device
napi_value open_device(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Host* host = call.host;
  auto attached = std::make_unique<Attached>();
  napi_value name;
  napi_create_string_utf8(env, "bidl device", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, call.argv[1], nullptr, name, 0, 1, nullptr, nullptr, nullptr, deliver,
                                  &attached->line);
  napi_unref_threadsafe_function(env, attached->line);
  try {
    attached->device = std::make_unique<Device>(
        call.number(0),
        [line = attached->line](const Message& m) {
          napi_call_threadsafe_function(line, new Message(m), napi_tsfn_nonblocking);
        },
        [host](Device* self) {
          std::lock_guard<std::mutex> lock(host->guard);
          for (const auto& other : host->devices) {
            if (other->device != nullptr && other->device.get() != self) other->device->poke();
          }
        });
  } catch (const Device::OutOfMemory&) {
    napi_release_threadsafe_function(attached->line, napi_tsfn_release);
    return call.fail("no memory for a device of this size");
  }
  attached->host = host;
  // Added after the line's own hook, so it runs before: the thread has ended when the line goes.
  napi_add_env_cleanup_hook(env, [](void* data) { end(*static_cast<Attached*>(data)); }, attached.get());
  std::lock_guard<std::mutex> lock(host->guard);
  host->devices.push_back(std::move(attached));
  return call.of(static_cast<int64_t>(host->devices.size()) - 1);
}

/// closeDevice(device)
napi_value close_device(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Attached& attached = *call.host->devices[call.number(0)];
  end(attached);
  napi_release_threadsafe_function(attached.line, napi_tsfn_release);
  return nullptr;
}

/// holdProcess(device, whether messages of this device keep the process alive)
napi_value hold_process(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  const auto line = call.host->devices[call.number(0)]->line;
  call.flag(1) ? napi_ref_threadsafe_function(env, line) : napi_unref_threadsafe_function(env, line);
  return nullptr;
}

napi_value open_stream(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.of(call.device().open_stream());
}

napi_value close_stream(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.device().close_stream(call.number(1));
  return nullptr;
}

napi_value resume_stream(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.device().resume(call.number(1));
  return nullptr;
}

napi_value recover_device(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.device().recover();
  return nullptr;
}

/// openEvent() -> event
napi_value open_event(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Host& host = *call.host;
  if (host.free_events.empty()) {
    host.events.push_back(std::make_unique<Event>());
    return call.of(static_cast<int64_t>(host.events.size()) - 1);
  }
  const int64_t event = host.free_events.back();
  host.free_events.pop_back();
  host.events[event]->count = 0;
  host.events[event]->recorded_at = 0;
  return call.of(event);
}

napi_value close_event(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.host->free_events.push_back(call.number(0));
  return nullptr;
}

/// eventTime(event) -> milliseconds of a steady clock at its last recording, 0 before the first
napi_value event_time(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  napi_value result;
  napi_create_double(env, static_cast<double>(call.host->events[call.number(0)]->recorded_at.load()) / 1e6, &result);
  return result;
}

/// openModel(device, code, weights, constants, stateOffset, threads, samples) -> model
napi_value open_model(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  std::string error;
  auto plan = make_plan(call, 1, call.number(5), call.number(6), error);
  if (plan == nullptr) return call.fail("the program " + error);
  Device& device = call.device();
  return call.of(device.open_model(std::move(plan), device.memory() + call.number(4)));
}

napi_value close_model(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.device().close_model(call.number(1));
  return nullptr;
}

/// The address of an argument: a view, or an offset into a device's memory.
uint8_t* address(const Call& call, size_t i, Device& device) {
  uint8_t* view = call.view(i);
  return view != nullptr ? view : device.memory() + call.number(i);
}

/// copyNow(device, dst, src, bytes): as the caller, not in a stream
napi_value copy_now(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Device& device = call.device();
  std::memmove(address(call, 1, device), address(call, 2, device), call.number(3));
  return nullptr;
}

/// fillNow(device, dst, value, bytes)
napi_value fill_now(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  std::memset(call.device().memory() + call.number(1), static_cast<int>(call.number(2)), call.number(3));
  return nullptr;
}

Command command_of(const Call& call, Command::Kind kind) {
  Command command;
  command.kind = kind;
  command.call = static_cast<int32_t>(call.number(2));
  return command;
}

/// enqueueCopy(device, stream, call, dst, src, bytes[, dstDevice])
napi_value enqueue_copy(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Device& device = call.device();
  Device& other = call.argc > 6 ? *call.host->devices[call.number(6)]->device : device;
  Command command = command_of(call, Command::copy);
  command.dst = address(call, 3, other);
  command.src = address(call, 4, device);
  command.n = call.number(5);
  device.enqueue(call.number(1), command);
  return nullptr;
}

/// enqueueFill(device, stream, call, dst, value, bytes)
napi_value enqueue_fill(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Command command = command_of(call, Command::fill);
  command.dst = call.device().memory() + call.number(3);
  command.id = call.number(4);
  command.n = call.number(5);
  call.device().enqueue(call.number(1), command);
  return nullptr;
}

/// enqueueModel(device, stream, call, kind, model, input, output, n)
napi_value enqueue_model(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Device& device = call.device();
  Command command = command_of(call, static_cast<Command::Kind>(call.number(3)));
  command.id = call.number(4);
  command.src = device.memory() + call.number(5);
  command.dst = device.memory() + call.number(6);
  command.n = call.number(7);
  device.enqueue(call.number(1), command);
  return nullptr;
}

/// enqueueEvent(device, stream, call, record, event)
napi_value enqueue_event(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Command command = command_of(call, call.flag(3) ? Command::record : Command::wait);
  command.event = call.host->events[call.number(4)].get();
  call.device().enqueue(call.number(1), command);
  return nullptr;
}

/// enqueueMark(device, stream, call, kind, id, blocking): callback, notify or fault
napi_value enqueue_mark(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Command command = command_of(call, static_cast<Command::Kind>(call.number(3)));
  command.id = call.number(4);
  command.blocking = call.flag(5);
  call.device().enqueue(call.number(1), command);
  return nullptr;
}

}  // namespace

const std::vector<Function> DEVICE_FUNCTIONS = {
    {"openDevice", open_device},
    {"closeDevice", close_device},
    {"holdProcess", hold_process},
    {"openStream", open_stream},
    {"closeStream", close_stream},
    {"resumeStream", resume_stream},
    {"recoverDevice", recover_device},
    {"openEvent", open_event},
    {"closeEvent", close_event},
    {"eventTime", event_time},
    {"openModel", open_model},
    {"closeModel", close_model},
    {"copyNow", copy_now},
    {"fillNow", fill_now},
    {"enqueueCopy", enqueue_copy},
    {"enqueueFill", enqueue_fill},
    {"enqueueModel", enqueue_model},
    {"enqueueEvent", enqueue_event},
    {"enqueueMark", enqueue_mark},
};

}  // namespace bidl
