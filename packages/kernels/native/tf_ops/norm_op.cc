#include "../cpu/kernels.h"
#include "attributes.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// What does not change from call to call.
struct Call {
  float epsilon = 0, momentum = 0;
  bool batch = false;  // normalise with the batch's own statistics
  bool apart = false;  // every time step has statistics of its own
};

void* create(TF_OpKernelConstruction* construction) {
  Attributes a(construction);
  auto* call = new Call;
  call->epsilon = a.real("epsilon");
  call->momentum = a.real("momentum");
  call->batch = a.flag("batch");
  call->apart = a.flag("apart");
  return call;
}
void destroy(void* call) { delete static_cast<Call*>(call); }

/// x is [B, T, ..., C]; steps that are normalised alike are one group.
bool shape_of(Context& context, const Call& call, TF_Tensor* x, NormShape& s) {
  const auto dims = Context::shape(x);
  if (dims.size() < 3) return context.fail("BidlNorm: x must be [B, T, ..., C]"), false;
  s = {1, 1, 1, dims.back()};
  for (size_t i = 0; i + 1 < dims.size(); ++i) (call.apart && i < 2 ? i == 0 ? s.outer : s.groups : s.inner) *= dims[i];
  if (call.batch && s.groups * s.rows() == 0) return context.fail("BidlNorm: an empty batch has no statistics"), false;
  return true;
}

/// One number for each channel.
const float* per_channel(Context& context, int i, const NormShape& s) {
  TF_Tensor* t = context.input(i);
  if (t == nullptr) return nullptr;
  if (api.TF_TensorElementCount(t) != s.channels) {
    context.fail("BidlNorm: gamma, beta, mean and variance must be [C]");
    return nullptr;
  }
  return static_cast<const float*>(api.TF_TensorData(t));
}

/// x, gamma, beta, mean, variance and possibly a bias -> y, statistics for the backward op, and the running mean and variance
/// advanced (empty where the batch's own statistics are not taken).
void forward(void* state, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto& call = *static_cast<const Call*>(state);
  TF_Tensor* x = context.input(0);
  NormForward f{};
  if (x == nullptr || !shape_of(context, call, x, f.shape)) return;
  const float** const given[] = {&f.gamma, &f.beta, &f.mean, &f.variance};
  for (int k = 0; k < 4; ++k) {
    if ((*given[k] = per_channel(context, k + 1, f.shape)) == nullptr) return;
  }
  std::vector<float> none;
  if (api.TF_NumInputs(raw) > 5) {
    if ((f.bias = per_channel(context, 5, f.shape)) == nullptr) return;
  } else {
    none.resize(f.shape.channels);
    f.bias = none.data();
  }
  f.epsilon = call.epsilon;
  f.momentum = call.momentum;
  f.x = static_cast<const float*>(api.TF_TensorData(x));
  f.y = context.output_like(0, x);
  f.statistics = context.output(1, {3, f.shape.groups, f.shape.channels});
  const int64_t running = call.batch ? f.shape.channels : 0;
  float* const mean = context.output(2, {running});
  float* const variance = context.output(3, {running});
  if (f.y == nullptr || f.statistics == nullptr || (call.batch && (mean == nullptr || variance == nullptr))) return;
  if (call.batch) {
    f.next_mean = mean;
    f.next_variance = variance;
  }
  kernels().norm_forward(f);
}

/// x, dy, gamma, statistics -> dx, dgamma, dbeta, dbias.
void backward(void* state, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto& call = *static_cast<const Call*>(state);
  TF_Tensor* x = context.input(0);
  TF_Tensor* dy = context.input(1);
  TF_Tensor* statistics = context.input(3);
  NormBackward f{};
  if (x == nullptr || dy == nullptr || statistics == nullptr || !shape_of(context, call, x, f.shape)) return;
  f.gamma = per_channel(context, 2, f.shape);
  if (f.gamma == nullptr) return;
  if (Context::shape(dy) != Context::shape(x) ||
      Context::shape(statistics) != std::vector<int64_t>{3, f.shape.groups, f.shape.channels}) {
    return context.fail("BidlNormGrad: dy must be as x, and statistics what BidlNorm gave");
  }
  f.batch = call.batch;
  f.x = static_cast<const float*>(api.TF_TensorData(x));
  f.dy = static_cast<const float*>(api.TF_TensorData(dy));
  f.statistics = static_cast<const float*>(api.TF_TensorData(statistics));
  f.dx = context.output_like(0, x);
  f.dgamma = context.output(1, {f.shape.channels});
  f.dbeta = context.output(2, {f.shape.channels});
  f.dbias = context.output(3, {f.shape.channels});
  if (f.dx == nullptr || f.dgamma == nullptr || f.dbeta == nullptr || f.dbias == nullptr) return;
  kernels().norm_backward(f);
}

}  // namespace

const char* define_norm() {
  const char* const attributes[] = {"epsilon: float", "momentum: float", "batch: bool", "apart: bool"};
  const auto& [epsilon, momentum, batch, apart] = attributes;
  const char* error = define(
      "BidlNorm", {"x: float", "gamma: float", "beta: float", "mean: float", "variance: float", "bias: N * float"},
      {"y: float", "statistics: float", "next_mean: float", "next_variance: float"},
      {"N: int >= 0", epsilon, momentum, batch, apart}, create, forward, destroy);
  if (error != nullptr) return error;
  return define("BidlNormGrad", {"x: float", "dy: float", "gamma: float", "statistics: float"},
                {"dx: float", "dgamma: float", "dbeta: float", "dbias: float"}, {epsilon, momentum, batch, apart}, create,
                backward, destroy);
}

}  // namespace bidl::tf
