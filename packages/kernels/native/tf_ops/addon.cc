// The Node addon: loading it registers the ops with the TensorFlow that is already in the process.
#include <node_api.h>

#include "../conv/conv.h"
#include "../cpu/kernels.h"
#include "../pool/pool.h"
#include "../product/product.h"
#include "ops.h"
#include "tf_api.h"

namespace {

/// Ops are registered once in a process, however many JavaScript contexts (worker threads) load the addon.
const char* register_once() {
  static const char* error = [] {
    const char* problem = bidl::tf::load();
    if (problem == nullptr) problem = bidl::tf::define_lif();
    if (problem == nullptr) problem = bidl::tf::define_max_pool();
    if (problem == nullptr) problem = bidl::tf::define_adam();
    if (problem == nullptr) problem = bidl::tf::define_conv();
    if (problem == nullptr) problem = bidl::tf::define_product();
    if (problem == nullptr) bidl::tf::keep_freed_memory();
    return problem;
  }();
  return error;
}

/// convWay(pass, density, images, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w, stride_h, stride_w, pad_h, pad_w):
/// the number of the way to compute a pass of a convolution.
napi_value conv_way(napi_env env, napi_callback_info info) {
  constexpr size_t COUNT = 15;
  napi_value given[COUNT];
  size_t count = COUNT;
  double n[COUNT] = {};
  napi_get_cb_info(env, info, &count, given, nullptr, nullptr);
  for (size_t i = 0; i < count && i < COUNT; ++i) napi_get_value_double(env, given[i], &n[i]);
  bidl::Conv2d c{};
  int64_t* fields[] = {&c.images, &c.in_h, &c.in_w,     &c.in_c,     &c.out_h, &c.out_w, &c.out_c,
                       &c.k_h,    &c.k_w,  &c.stride_h, &c.stride_w, &c.pad_h, &c.pad_w};
  for (size_t i = 0; i + 2 < COUNT; ++i) *fields[i] = static_cast<int64_t>(n[i + 2]);
  const auto way = bidl::choose(c, static_cast<bidl::ConvPass>(static_cast<int32_t>(n[0])), static_cast<float>(n[1]));
  napi_value result;
  napi_create_int32(env, static_cast<int32_t>(way), &result);
  return result;
}

/// sparseProductPays(columns, density)
napi_value product_pays(napi_env env, napi_callback_info info) {
  napi_value given[2], result;
  size_t count = 2;
  double columns = 0, density = 1;
  napi_get_cb_info(env, info, &count, given, nullptr, nullptr);
  if (count > 0) napi_get_value_double(env, given[0], &columns);
  if (count > 1) napi_get_value_double(env, given[1], &density);
  napi_get_boolean(env, bidl::sparse_product_pays(static_cast<int64_t>(columns), static_cast<float>(density)), &result);
  return result;
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
  napi_value way;
  napi_create_function(env, "convWay", NAPI_AUTO_LENGTH, conv_way, nullptr, &way);
  napi_set_named_property(env, exports, "convWay", way);
  napi_value pays;
  napi_create_function(env, "sparseProductPays", NAPI_AUTO_LENGTH, product_pays, nullptr, &pays);
  napi_set_named_property(env, exports, "sparseProductPays", pays);
  return exports;
}

}  // namespace

NAPI_MODULE(bidl_ops, init)
