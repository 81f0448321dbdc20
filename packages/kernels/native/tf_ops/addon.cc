// The Node addon: loading it registers the ops with the TensorFlow that is already in the process.
#include <node_api.h>

#include "../cpu/kernels.h"
#include "../pool/pool.h"
#include "ops.h"
#include "tf_api.h"

namespace {

/// Ops are registered once in a process, however many JavaScript contexts (worker threads) load the addon.
const char* register_once() {
  static const char* error = [] {
    const char* problem = bidl::tf::load();
    if (problem == nullptr) problem = bidl::tf::define_lif();
    if (problem == nullptr) problem = bidl::tf::define_max_pool();
    if (problem == nullptr) problem = bidl::tf::define_update();
    return problem;
  }();
  return error;
}

napi_value init(napi_env env, napi_value exports) {
  if (const char* error = register_once()) {
    napi_throw_error(env, "BIDL_OPS", error);
    return exports;
  }
  napi_value isa, threads;
  napi_create_string_utf8(env, bidl::kernels().isa, NAPI_AUTO_LENGTH, &isa);
  napi_create_int32(env, bidl::thread_count(), &threads);
  napi_set_named_property(env, exports, "isa", isa);
  napi_set_named_property(env, exports, "threads", threads);
  return exports;
}

}  // namespace

NAPI_MODULE(bidl_ops, init)
