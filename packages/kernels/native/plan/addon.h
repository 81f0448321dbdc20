// What the functions of the addon share: arguments, and what one JavaScript context holds.
#pragma once
#include <node_api.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../device/device.h"
#include "plan.h"

namespace bidl {

struct Host;

/// A device with its line to JavaScript.
struct Attached {
  Host* host = nullptr;
  std::unique_ptr<Device> device;
  napi_threadsafe_function line = nullptr;
};

/// What one JavaScript context holds.
struct Host {
  std::mutex guard;  // of `devices`, which device threads walk over to wake each other
  std::vector<std::unique_ptr<Attached>> devices;
  std::vector<std::unique_ptr<Event>> events;  // kept to the end: closed ones are used again
  std::vector<int64_t> free_events;
};

/// A call from JavaScript, its arguments unchecked: src/plan/library.ts and the drivers above it check them.
struct Call {
  napi_env env;
  napi_value argv[10];
  size_t argc = 10;
  Host* host = nullptr;
  Call(napi_env e, napi_callback_info info) : env(e) {
    napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr);
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    host = static_cast<Host*>(data);
  }
  int64_t number(size_t i) const {
    double x = 0;
    napi_get_value_double(env, argv[i], &x);
    return static_cast<int64_t>(x);
  }
  bool flag(size_t i) const {
    bool x = false;
    napi_get_value_bool(env, argv[i], &x);
    return x;
  }
  /// Address and length in bytes of a view (typed array or Buffer).
  uint8_t* view(size_t i, size_t* bytes = nullptr) const {
    void* data = nullptr;
    size_t length = 0;
    napi_typedarray_type type;
    if (napi_get_typedarray_info(env, argv[i], &type, &length, &data, nullptr, nullptr) != napi_ok) return nullptr;
    if (bytes != nullptr) {
      const size_t item = type == napi_float64_array || type == napi_bigint64_array || type == napi_biguint64_array ? 8
                          : type == napi_float32_array || type == napi_int32_array || type == napi_uint32_array     ? 4
                          : type == napi_int16_array || type == napi_uint16_array                                   ? 2
                                                                                                                    : 1;
      *bytes = length * item;
    }
    return static_cast<uint8_t*>(data);
  }
  template <class T>
  T* external(size_t i) const {
    void* data = nullptr;
    napi_get_value_external(env, argv[i], &data);
    return static_cast<T*>(data);
  }
  Device& device() const { return *host->devices[number(0)]->device; }
  napi_value of(int64_t x) const {
    napi_value v;
    napi_create_int64(env, x, &v);
    return v;
  }
  napi_value fail(const std::string& message) const {
    napi_throw_error(env, "BIDL_PLAN", message.c_str());
    return nullptr;
  }
};

/// A plan of the code, weights and constants from argument `first` on; `error` says why there is none.
std::unique_ptr<Plan> make_plan(const Call& call, size_t first, int64_t threads, int64_t samples, std::string& error);

struct Function {
  const char* name;
  napi_callback function;
};
extern const std::vector<Function> DEVICE_FUNCTIONS;

}  // namespace bidl
