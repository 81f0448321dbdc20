#include "../cpu/kernels.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// What does not change from call to call.
struct Attributes {
  LifScan scan{};
  bool soma_gradients = false;
};

void* create(TF_OpKernelConstruction* construction) {
  auto* a = new Attributes;
  TF_Status* status = api.TF_NewStatus();
  const auto number = [&](const char* name) {
    int32_t value = 0;
    if (api.TF_GetCode(status) == TF_OK) api.TF_OpKernelConstruction_GetAttrInt32(construction, name, &value, status);
    return value;
  };
  const auto real = [&](const char* name) {
    float value = 0;
    if (api.TF_GetCode(status) == TF_OK) api.TF_OpKernelConstruction_GetAttrFloat(construction, name, &value, status);
    return value;
  };
  const auto flag = [&](const char* name) {
    unsigned char value = 0;
    if (api.TF_GetCode(status) == TF_OK) api.TF_OpKernelConstruction_GetAttrBool(construction, name, &value, status);
    return value != 0;
  };
  a->scan.tap = number("tap");
  a->scan.activation = number("activation");
  a->scan.slope = number("slope");
  a->scan.threshold = real("threshold");
  a->scan.slope_arg = real("slope_arg");
  a->scan.training = flag("training");
  a->scan.epsilon = real("epsilon");
  a->scan.momentum = real("momentum");
  a->soma_gradients = flag("soma_gradients");
  if (api.TF_GetCode(status) != TF_OK) api.TF_OpKernelConstruction_Failure(construction, status);
  api.TF_DeleteStatus(status);
  return a;
}
void destroy(void* a) { delete static_cast<Attributes*>(a); }

/// The inputs that forward and backward share, in this order from input 0 on:
/// x, alpha, beta, theta, v0, initial, gamma, shift, mean, variance, bias.
bool describe(Context& context, LifScan& c, const float*& x) {
  TF_Tensor* input = context.input(0);
  if (input == nullptr) return false;
  const auto shape = Context::shape(input);
  if (shape.size() < 3) {
    context.fail("BidlLifScan: x must be [batch, time, ..., channels]");
    return false;
  }
  c.batch = shape[0];
  c.steps = shape[1];
  c.channels = shape.back();
  c.neurons = 1;
  for (size_t i = 2; i < shape.size(); ++i) c.neurons *= shape[i];
  c.time_stride = c.neurons;
  c.batch_stride = c.neurons * c.steps;
  x = static_cast<const float*>(api.TF_TensorData(input));
  PerChannel* params[] = {&c.alpha, &c.beta, &c.theta, &c.v0};
  for (int k = 0; k < 4; ++k) {
    TF_Tensor* t = context.input(1 + k);
    if (t == nullptr) return false;
    const int64_t size = api.TF_TensorElementCount(t);
    if (size != 1 && size != c.channels) {
      context.fail("BidlLifScan: alpha, beta, theta and v0 must hold one value or one per channel");
      return false;
    }
    *params[k] = {static_cast<const float*>(api.TF_TensorData(t)), size == 1 ? 0 : 1};
  }
  const float** vectors[] = {&c.gamma, &c.shift, &c.mean, &c.variance, &c.bias};
  TF_Tensor* initial = context.input(5);
  if (initial == nullptr) return false;
  const int64_t given = api.TF_TensorElementCount(initial);
  if (given != 0 && given != c.batch * c.neurons) {
    context.fail("BidlLifScan: the initial membrane must be [batch, ..., channels]");
    return false;
  }
  c.initial = given == 0 ? nullptr : static_cast<const float*>(api.TF_TensorData(initial));
  for (int k = 0; k < 5; ++k) {
    TF_Tensor* t = context.input(6 + k);
    if (t == nullptr) return false;
    const int64_t size = api.TF_TensorElementCount(t);
    if (size != 0 && size != c.channels) {
      context.fail("BidlLifScan: gamma, shift, mean, variance and bias must hold one value per channel");
      return false;
    }
    *vectors[k] = size == 0 ? nullptr : static_cast<const float*>(api.TF_TensorData(t));
  }
  c.norm = c.gamma != nullptr;
  return true;
}

std::vector<int64_t> without_time(const std::vector<int64_t>& shape) {
  std::vector<int64_t> rest = {shape[0]};
  for (size_t i = 2; i < shape.size(); ++i) rest.push_back(shape[i]);
  return rest;
}

void forward(void* kernel, TF_OpKernelContext* raw) {
  Context context(raw);
  LifScan c = static_cast<Attributes*>(kernel)->scan;
  LifForward f{};
  if (!describe(context, c, f.x)) return;
  TF_Tensor* x = context.input(0);
  const bool saves = c.norm && c.training;
  const int64_t steps = saves ? c.steps : 0, channels = saves ? c.channels : 0;
  f.out = context.output_like(0, x);
  f.final_state = context.output(1, without_time(Context::shape(x)));
  f.saved = saves ? context.output_like(2, x) : context.output(2, {0});
  f.batch_mean = context.output(3, {steps, channels});
  f.batch_inv = context.output(4, {steps, channels});
  f.running_mean = context.output(5, {channels});
  f.running_variance = context.output(6, {channels});
  for (int64_t k = 0; k < channels; ++k) {
    f.running_mean[k] = c.mean[k];
    f.running_variance[k] = c.variance[k];
  }
  if (c.steps > 0) kernels().lif_forward(c, f);
}

void backward(void* kernel, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto* a = static_cast<Attributes*>(kernel);
  LifScan c = a->scan;
  LifBackward g{};
  if (!describe(context, c, g.x)) return;
  TF_Tensor* x = context.input(0);
  g.dout = context.floats(11);
  g.dfinal = context.floats(12);
  g.saved = context.floats(13);
  g.batch_mean = context.floats(14);
  g.batch_inv = context.floats(15);
  const int64_t soma = a->soma_gradients ? c.channels : 0, norm = c.norm ? c.channels : 0;
  g.dx = context.output_like(0, x);
  g.dinitial = context.output(1, without_time(Context::shape(x)));
  float* wanted[7];
  for (int k = 0; k < 7; ++k) {
    const int64_t size = k < 4 ? soma : k < 6 ? norm : c.bias != nullptr ? c.channels : 0;
    float* data = context.output(2 + k, {size});
    wanted[k] = size == 0 ? nullptr : data;
  }
  g.dalpha = wanted[0];
  g.dbeta = wanted[1];
  g.dtheta = wanted[2];
  g.dv0 = wanted[3];
  g.dgamma = wanted[4];
  g.dshift = wanted[5];
  g.dbias = wanted[6];
  if (c.steps > 0) kernels().lif_backward(c, g);
}

}  // namespace

const char* define_lif() {
  const char* error = define(
      "BidlLifScan",
      {"x: float", "alpha: float", "beta: float", "theta: float", "v0: float", "initial: float", "gamma: float",
       "shift: float", "mean: float", "variance: float", "bias: float"},
      {"out: float", "final: float", "saved: float", "batch_mean: float", "batch_inv: float", "running_mean: float",
       "running_variance: float"},
      {"tap: int", "activation: int", "slope: int", "threshold: float", "slope_arg: float", "training: bool",
       "epsilon: float", "momentum: float", "soma_gradients: bool"},
      create, forward, destroy);
  if (error != nullptr) return error;
  return define(
      "BidlLifScanGrad",
      {"x: float", "alpha: float", "beta: float", "theta: float", "v0: float", "initial: float", "gamma: float",
       "shift: float", "mean: float", "variance: float", "bias: float", "dout: float", "dfinal: float", "saved: float",
       "batch_mean: float", "batch_inv: float"},
      {"dx: float", "dinitial: float", "dalpha: float", "dbeta: float", "dtheta: float", "dv0: float",
       "dgamma: float", "dshift: float", "dbias: float"},
      {"tap: int", "activation: int", "slope: int", "threshold: float", "slope_arg: float", "training: bool",
       "epsilon: float", "momentum: float", "soma_gradients: bool"},
      create, backward, destroy);
}

}  // namespace bidl::tf
