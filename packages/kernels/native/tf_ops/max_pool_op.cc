#include "../cpu/kernels.h"
#include "attributes.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// What does not change from call to call: window, stride, leading padding and size of the output.
void* create(TF_OpKernelConstruction* construction) {
  Attributes a(construction);
  auto* p = new MaxPool{};
  p->k_h = a.integer("k_h");
  p->k_w = a.integer("k_w");
  p->stride_h = a.integer("stride_h");
  p->stride_w = a.integer("stride_w");
  p->pad_h = a.integer("pad_h");
  p->pad_w = a.integer("pad_w");
  p->out_h = a.integer("rows");
  p->out_w = a.integer("columns");
  return p;
}
void destroy(void* pool) { delete static_cast<MaxPool*>(pool); }

/// Fills in the shape of x.
bool takes(Context& context, TF_Tensor* x, MaxPool& p) {
  const auto in = Context::shape(x);
  if (in.size() == 4) {
    p.images = in[0];
    p.in_h = in[1];
    p.in_w = in[2];
    p.channels = in[3];
    if (p.fits()) return true;
  }
  context.fail("BidlMaxPool: x must be [N, H, W, C] with something of it in every window");
  return false;
}

const float* data(TF_Tensor* t) { return static_cast<const float*>(api.TF_TensorData(t)); }

/// x -> y.
void forward(void* state, TF_OpKernelContext* raw) {
  Context context(raw);
  MaxPool p = *static_cast<const MaxPool*>(state);
  TF_Tensor* x = context.input(0);
  if (x == nullptr || !takes(context, x, p)) return;
  float* y = context.output(0, {p.images, p.out_h, p.out_w, p.channels});
  if (y != nullptr) kernels().max_pool(p, data(x), y);
}

/// x, dy -> dx.
void backward(void* state, TF_OpKernelContext* raw) {
  Context context(raw);
  MaxPool p = *static_cast<const MaxPool*>(state);
  TF_Tensor* x = context.input(0);
  TF_Tensor* dy = context.input(1);
  if (x == nullptr || dy == nullptr || !takes(context, x, p)) return;
  if (Context::shape(dy) != std::vector<int64_t>{p.images, p.out_h, p.out_w, p.channels}) {
    return context.fail("BidlMaxPoolGrad: dy must be as what BidlMaxPool gives");
  }
  float* dx = context.output_like(0, x);
  if (dx != nullptr) kernels().max_pool_grad(p, data(x), data(dy), dx);
}

}  // namespace

const char* define_max_pool() {
  const auto attributes = {"k_h: int",   "k_w: int",   "stride_h: int", "stride_w: int",
                           "pad_h: int", "pad_w: int", "rows: int",     "columns: int"};
  const char* error = define("BidlMaxPool", {"x: float"}, {"y: float"}, attributes, create, forward, destroy);
  if (error != nullptr) return error;
  return define("BidlMaxPoolGrad", {"x: float", "dy: float"}, {"dx: float"}, attributes, create, backward, destroy);
}

}  // namespace bidl::tf
