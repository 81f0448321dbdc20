// What JavaScript asks before it calls an op: which kernel a call should take.
#pragma once
#include <node_api.h>

namespace bidl::tf {

napi_value conv_way(napi_env env, napi_callback_info info);
napi_value sparse_product_pays(napi_env env, napi_callback_info info);

}  // namespace bidl::tf
