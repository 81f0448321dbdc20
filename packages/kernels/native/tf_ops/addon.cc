// The Node addon: loading it registers the ops with the TensorFlow that is already in the process.
#include <node_api.h>

#include <string>

#include "../cpu/kernels.h"
#include "../pool/pool.h"
#include "../scan/registry.h"
#include "memory.h"
#include "ops.h"
#include "tf_api.h"
#include "ways.h"

namespace {

/// Ops are registered once in a process, however many JavaScript contexts (worker threads) load the addon.
const char* register_once() {
  static const char* error = [] {
    const char* problem = bidl::tf::load();
    if (problem == nullptr) bidl::tf::use_huge_pages();
    if (problem == nullptr) problem = bidl::tf::define_scan();
    if (problem == nullptr) problem = bidl::tf::define_max_pool();
    if (problem == nullptr) problem = bidl::tf::define_norm();
    if (problem == nullptr) problem = bidl::tf::define_update();
    if (problem == nullptr) problem = bidl::tf::define_conv();
    if (problem == nullptr) problem = bidl::tf::define_product();
    return problem;
  }();
  return error;
}

/// The call's only argument as text; empty when there is none.
std::string text_argument(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count < 1 || napi_get_value_string_utf8(env, argument, nullptr, 0, &length) != napi_ok) return "";
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, argument, text.data(), length + 1, &length);
  return text;
}

napi_value has_neuron(napi_env env, napi_callback_info info) {
  napi_value found;
  napi_get_boolean(env, bidl::find_neuron(text_argument(env, info)) != nullptr, &found);
  return found;
}

napi_value load_neurons(napi_env env, napi_callback_info info) {
  const std::string problem = bidl::load_neurons(text_argument(env, info));
  if (!problem.empty()) napi_throw_error(env, "BIDL_NEURONS", problem.c_str());
  return nullptr;
}

napi_value init(napi_env env, napi_value exports) {
  if (const char* error = register_once()) {
    napi_throw_error(env, "BIDL_OPS", error);
    return exports;
  }
  napi_value isa, threads;
  napi_create_string_utf8(env, bidl::kernels().isa, NAPI_AUTO_LENGTH, &isa);
  napi_create_int32(env, bidl::thread_count(), &threads);
  const napi_property_descriptor properties[] = {
      {"isa", nullptr, nullptr, nullptr, nullptr, isa, napi_enumerable, nullptr},
      {"threads", nullptr, nullptr, nullptr, nullptr, threads, napi_enumerable, nullptr},
      {"hasNeuron", nullptr, has_neuron, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"loadNeurons", nullptr, load_neurons, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"convWay", nullptr, bidl::tf::conv_way, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"productWay", nullptr, bidl::tf::product_way, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return exports;
}

}  // namespace

NAPI_MODULE(bidl_ops, init)
