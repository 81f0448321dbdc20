#include "../conv/conv.h"
#include "attributes.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// What does not change from call to call: strides, leading padding, and how the result is computed.
struct Call {
  Conv2d conv{};
  ConvWay way = ConvWay::none;
  int64_t rows = 0, columns = 0;  // of the kernel or of the input, where the op can't see them
};

void* create(TF_OpKernelConstruction* construction) {
  Attributes a(construction);
  auto* call = new Call;
  call->conv.stride_h = a.integer("stride_h");
  call->conv.stride_w = a.integer("stride_w");
  call->conv.pad_h = a.integer("pad_h");
  call->conv.pad_w = a.integer("pad_w");
  call->rows = a.integer("rows");
  call->columns = a.integer("columns");
  call->way = static_cast<ConvWay>(a.integer("way"));
  return call;
}
void destroy(void* call) { delete static_cast<Call*>(call); }

const float* data(TF_Tensor* t) { return static_cast<const float*>(api.TF_TensorData(t)); }

/// Fills in an input [images, h, w, channels].
void input_shape(Conv2d& c, const std::vector<int64_t>& s) {
  c.images = s[0];
  c.in_h = s[1];
  c.in_w = s[2];
  c.in_c = s[3];
}
/// Fills in an output.
void output_shape(Conv2d& c, const std::vector<int64_t>& s) {
  c.out_h = s[1];
  c.out_w = s[2];
  c.out_c = s[3];
}
/// Fills in a kernel [k_h, k_w, in, out].
void kernel_shape(Conv2d& c, const std::vector<int64_t>& s) {
  c.k_h = s[0];
  c.k_w = s[1];
  c.in_c = s[2];
  c.out_c = s[3];
}

/// x, kernel -> y, of `rows` x `columns` pixels.
void forward(void* kernel, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto& a = *static_cast<Call*>(kernel);
  TF_Tensor* x = context.input(0);
  TF_Tensor* w = context.input(1);
  if (x == nullptr || w == nullptr) return;
  const auto in = Context::shape(x), shape = Context::shape(w);
  if (in.size() != 4 || shape.size() != 4 || in[3] != shape[2]) {
    return context.fail("BidlConv2D: x must be [N, H, W, C] and the kernel [kh, kw, C, K]");
  }
  Conv2d c = a.conv;
  kernel_shape(c, shape);
  input_shape(c, in);
  c.out_h = a.rows;
  c.out_w = a.columns;
  if (!conv_fits(c, ConvPass::forward, a.way)) {
    return context.fail("BidlConv2D: this way does not fit the convolution");
  }
  float* y = context.output(0, {c.images, c.out_h, c.out_w, c.out_c});
  if (y == nullptr || c.images * c.out_h * c.out_w == 0) return;
  conv_forward(c, a.way, data(x), data(w), y);
}

/// x, dy -> gradient of the kernel of `rows` x `columns`.
void filter_gradient(void* kernel, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto& a = *static_cast<Call*>(kernel);
  TF_Tensor* x = context.input(0);
  TF_Tensor* dy = context.input(1);
  if (x == nullptr || dy == nullptr) return;
  const auto in = Context::shape(x), out = Context::shape(dy);
  if (in.size() != 4 || out.size() != 4 || in[0] != out[0]) {
    return context.fail("BidlConv2DFilterGrad: x must be [N, H, W, C] and dy [N, H', W', K]");
  }
  Conv2d c = a.conv;
  input_shape(c, in);
  output_shape(c, out);
  c.k_h = a.rows;
  c.k_w = a.columns;
  if (!conv_fits(c, ConvPass::filter_gradient, a.way)) {
    return context.fail("BidlConv2DFilterGrad: this way does not fit the convolution");
  }
  float* dw = context.output(0, {c.k_h, c.k_w, c.in_c, c.out_c});
  if (dw == nullptr) return;
  conv_filter_gradient(c, a.way, data(x), data(dy), dw);
}

/// dy, kernel -> gradient of the input of `rows` x `columns` pixels.
void input_gradient(void* kernel, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto& a = *static_cast<Call*>(kernel);
  TF_Tensor* dy = context.input(0);
  TF_Tensor* w = context.input(1);
  if (dy == nullptr || w == nullptr) return;
  const auto out = Context::shape(dy), shape = Context::shape(w);
  if (out.size() != 4 || shape.size() != 4 || out[3] != shape[3]) {
    return context.fail("BidlConv2DInputGrad: dy must be [N, H', W', K] and the kernel [kh, kw, C, K]");
  }
  Conv2d c = a.conv;
  kernel_shape(c, shape);
  output_shape(c, out);
  c.images = out[0];
  c.in_h = a.rows;
  c.in_w = a.columns;
  if (!conv_fits(c, ConvPass::input_gradient, a.way)) {
    return context.fail("BidlConv2DInputGrad: this way does not fit the convolution");
  }
  float* dx = context.output(0, {c.images, c.in_h, c.in_w, c.in_c});
  if (dx == nullptr || c.images * c.in_h * c.in_w == 0) return;
  conv_input_gradient(c, a.way, data(dy), data(w), dx);
}

/// x -> the share of it that is not zero, and 1 where it seems to hold nothing but 0 and 1.
void measure_density(void*, TF_OpKernelContext* raw) {
  Context context(raw);
  TF_Tensor* x = context.input(0);
  float* found = context.output(0, {2});
  if (x == nullptr || found == nullptr) return;
  const Density d = density(data(x), api.TF_TensorElementCount(x));
  found[0] = d.share;
  found[1] = d.spikes ? 1.0f : 0.0f;
}

}  // namespace

const char* define_conv() {
  const auto with = [](const char* name, const char* a, const char* b, const char* result,
                       void (*compute)(void*, TF_OpKernelContext*)) {
    return define(name, {a, b}, {result},
                  {"stride_h: int", "stride_w: int", "pad_h: int", "pad_w: int", "rows: int", "columns: int", "way: int"},
                  create, compute, destroy);
  };
  const char* error = with("BidlConv2D", "x: float", "kernel: float", "y: float", forward);
  if (error == nullptr) error = with("BidlConv2DFilterGrad", "x: float", "dy: float", "dkernel: float", filter_gradient);
  if (error == nullptr) error = with("BidlConv2DInputGrad", "dy: float", "kernel: float", "dx: float", input_gradient);
  if (error == nullptr) error = define("BidlDensity", {"x: float"}, {"found: float"}, {}, nullptr, measure_density, nullptr);
  return error;
}

}  // namespace bidl::tf
