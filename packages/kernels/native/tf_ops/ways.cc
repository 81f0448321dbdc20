#include "ways.h"

#include "../conv/conv.h"
#include "../product/product.h"

namespace bidl::tf {

/// convWay(pass, share, spikes, images, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w, stride_h, stride_w, pad_h, pad_w):
/// the number of the way to compute a pass of a convolution.
napi_value conv_way(napi_env env, napi_callback_info info) {
  constexpr size_t COUNT = 16;
  napi_value given[COUNT];
  size_t count = COUNT;
  double n[COUNT] = {};
  napi_get_cb_info(env, info, &count, given, nullptr, nullptr);
  for (size_t i = 0; i < count && i < COUNT; ++i) napi_get_value_double(env, given[i], &n[i]);
  bidl::Conv2d c{};
  int64_t* fields[] = {&c.images, &c.in_h, &c.in_w,     &c.in_c,     &c.out_h, &c.out_w, &c.out_c,
                       &c.k_h,    &c.k_w,  &c.stride_h, &c.stride_w, &c.pad_h, &c.pad_w};
  for (size_t i = 0; i + 3 < COUNT; ++i) *fields[i] = static_cast<int64_t>(n[i + 3]);
  const auto way = bidl::choose(c, static_cast<bidl::ConvPass>(static_cast<int32_t>(n[0])),
                                {static_cast<float>(n[1]), n[2] != 0});
  napi_value result;
  napi_create_int32(env, static_cast<int32_t>(way), &result);
  return result;
}

/// productWay(transposed, share, spikes, m, k, n): the number of the way to compute a product whose result is [m, n], summed
/// over k; transposed is 0, 1 for its left side or 2 for its right one.
napi_value product_way(napi_env env, napi_callback_info info) {
  constexpr size_t COUNT = 6;
  napi_value given[COUNT], result;
  size_t count = COUNT;
  double n[COUNT] = {};
  napi_get_cb_info(env, info, &count, given, nullptr, nullptr);
  for (size_t i = 0; i < count && i < COUNT; ++i) napi_get_value_double(env, given[i], &n[i]);
  const auto which = static_cast<bidl::Transposed>(static_cast<int32_t>(n[0]));
  const auto way = bidl::choose_product(which, {static_cast<float>(n[1]), n[2] != 0}, static_cast<int64_t>(n[3]),
                                        static_cast<int64_t>(n[4]), static_cast<int64_t>(n[5]));
  napi_create_int32(env, static_cast<int32_t>(way), &result);
  return result;
}

}  // namespace bidl::tf
