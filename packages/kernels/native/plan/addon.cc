// The Node addon: plans over JavaScript's memory, and (device/calls.cc) devices that run them. Its JavaScript face, with
// types, is src/plan/library.ts; arguments are checked there.
#include "addon.h"

#include <exception>

#include "../cpu/isa.h"
#include "../pool/pool.h"

namespace bidl {

std::unique_ptr<Plan> make_plan(const Call& call, size_t first, int64_t threads, int64_t samples,
                                std::string& error) {
  size_t code_bytes = 0, weight_bytes = 0, constant_bytes = 0;
  const auto* code = reinterpret_cast<int32_t*>(call.view(first, &code_bytes));
  const auto* weights = reinterpret_cast<float*>(call.view(first + 1, &weight_bytes));
  const auto* constants = reinterpret_cast<float*>(call.view(first + 2, &constant_bytes));
  Floats kept(constants, constants + constant_bytes / sizeof(float));
  Program program =
      decode(code, code_bytes / sizeof(int32_t), weight_bytes / sizeof(float), std::move(kept), error);
  if (!error.empty()) return nullptr;
  try {
    return std::make_unique<Plan>(std::move(program), weights, threads, samples);
  } catch (const std::exception&) {  // of a container that could not grow
    error = "needs more memory than there is";
    return nullptr;
  }
}

namespace {

/// createPlan(code, weights, constants, threads) -> plan
napi_value create_plan(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  std::string error;
  auto plan = make_plan(call, 0, call.number(3), call.number(3), error);
  if (plan == nullptr) return call.fail("the program " + error);
  napi_value result;
  napi_create_external(
      env, plan.release(), [](napi_env, void* data, void*) { delete static_cast<Plan*>(data); }, nullptr, &result);
  return result;
}

/// planBytes(plan) -> bytes in memory
napi_value plan_bytes(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.of(call.external<Plan>(0)->resident_bytes());
}

/// planReset(plan, state, n)
napi_value plan_reset(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.external<Plan>(0)->reset(call.view(1), call.number(2));
  return nullptr;
}

/// planRun(plan, input, output, state, n, steps)
napi_value plan_run(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.external<Plan>(0)->run(call.view(1), call.view(2), call.view(3), call.number(4), call.number(5));
  return nullptr;
}

napi_value init(napi_env env, napi_value exports) {
  auto* host = new Host;
  napi_set_instance_data(
      env, host, [](napi_env, void* data, void*) { delete static_cast<Host*>(data); }, nullptr);
  std::vector<Function> functions = {
      {"createPlan", create_plan}, {"planBytes", plan_bytes}, {"planReset", plan_reset}, {"planRun", plan_run}};
  functions.insert(functions.end(), DEVICE_FUNCTIONS.begin(), DEVICE_FUNCTIONS.end());
  for (const auto& [name, function] : functions) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
    napi_set_named_property(env, exports, name, value);
  }
  napi_value text, threads;
  napi_create_string_utf8(env, plan_kernels().isa, NAPI_AUTO_LENGTH, &text);
  napi_create_int32(env, thread_count(), &threads);
  napi_set_named_property(env, exports, "isa", text);
  napi_set_named_property(env, exports, "threads", threads);
  return exports;
}

}  // namespace
}  // namespace bidl

NAPI_MODULE(bidl_plan, bidl::init)
