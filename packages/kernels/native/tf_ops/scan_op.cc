#include "../scan/scan.h"

#include <algorithm>
#include <utility>

#include "../scan/conv_source.h"
#include "../scan/pooling.h"
#include "../scan/spread.h"
#include "../scan/streamed.h"
#include "../pool/pool.h"
#include "../scan/registry.h"
#include "attributes.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

/// What does not change from call to call.
struct Kernel {
  const BidlNeuron* neuron = nullptr;
  std::vector<float> constants, initial;
  Norm norm = Norm::none;
  float epsilon = 0, momentum = 0, noise = 0;
  bool learn = false, pool = false, record = false;
  Conv2d conv{};  // strides, leading padding and size of the output; `way` none: the neurons' input is x itself
  ConvWay way = ConvWay::none;
};

void* create(TF_OpKernelConstruction* construction) {
  auto* kernel = new Kernel;
  Attributes attributes(construction);
  const std::string name = attributes.text("neuron");
  kernel->constants = attributes.reals("constants");
  kernel->initial = attributes.reals("initial");
  kernel->norm = static_cast<Norm>(attributes.integer("norm"));
  kernel->epsilon = attributes.real("epsilon");
  kernel->momentum = attributes.real("momentum");
  kernel->noise = attributes.real("noise");
  kernel->learn = attributes.flag("learn");
  kernel->record = attributes.flag("record");
  kernel->pool = attributes.flag("pool");
  Conv2d& conv = kernel->conv;
  kernel->way = static_cast<ConvWay>(attributes.integer("way"));
  int64_t* const sizes[] = {&conv.stride_h, &conv.stride_w, &conv.pad_h, &conv.pad_w, &conv.out_h, &conv.out_w};
  const char* const names[] = {"stride_h", "stride_w", "pad_h", "pad_w", "rows", "columns"};
  for (int k = 0; k < 6; ++k) *sizes[k] = attributes.integer(names[k]);
  if (!attributes.ok()) return kernel;
  const BidlNeuron* neuron = kernel->neuron = find_neuron(name);
  if (neuron == nullptr) {
    attributes.fail("BidlScan: neuron " + name + " is not loaded");
  } else if (static_cast<size_t>(neuron->constants) != kernel->constants.size() ||
             static_cast<size_t>(neuron->states) != kernel->initial.size()) {
    attributes.fail("BidlScan: neuron " + name + " has other numbers or states");
  } else if (kernel->norm != Norm::none && !neuron->has_norm) {
    attributes.fail("BidlScan: neuron " + name + " has no norm");
  } else if (kernel->noise > 0.0f && !neuron->has_noise) {
    attributes.fail("BidlScan: neuron " + name + " has no place for noise");
  }
  return kernel;
}
void destroy(void* kernel) { delete static_cast<Kernel*>(kernel); }

/// Inputs that forward and backward share; behind them come the parameters, the states before the first step, and the
/// kernel of a convolution between x and the neurons, empty where there is none.
/// Those that are left out are empty. Of x the backward op needs the values only where the neuron says so. The seed is
/// in two halves of 16 bits, which float32 holds.
enum Input { kX, kBias, kGamma, kShift, kMean, kVariance, kSeed, kFirstParam };
/// What the forward op saves for the backward op, which has it behind the inputs and the gradient of the output; then come
/// the gradients of the states after the last step. `choice` holds bytes, and is there only where gradients are recorded.
enum Saved { kS, kKept, kBatchMean, kBatchInv, kSpread, kChoice, kSavedCount };
enum Output { kOut, kFirstSaved, kRunningMean = kFirstSaved + kSavedCount, kRunningVariance, kFirstState };
enum GradientOutput { kDx, kDbias, kDgamma, kDshift, kFirstDparam };

/// A call's inputs, checked; false after an error that the context knows.
class Call {
 public:
  Call(Context& context, const Kernel& kernel) : context_(context), kernel_(kernel) {}

  bool read(int shape_from, Scan& c) {
    TF_Tensor* like = context_.input(shape_from);
    if (like == nullptr) return false;
    shape = Context::shape(like);
    if (shape.size() < 3) return refuse("x must be [batch, time, ..., channels]");
    const BidlNeuron& neuron = *kernel_.neuron;
    if (!read_conv(shape_from == kX)) return false;
    c.neuron = &neuron;
    c.batch = shape[0];
    c.steps = shape[1];
    c.channels = shape.back();
    c.neurons = 1;
    for (size_t i = 2; i < shape.size(); ++i) c.neurons *= shape[i];
    c.constants = kernel_.constants.data();
    c.initial_value = kernel_.initial;
    c.norm = kernel_.norm;
    c.epsilon = kernel_.epsilon;
    c.momentum = kernel_.momentum;
    if (kernel_.pool && shape.size() != 5) return refuse("to be pooled, x must be [batch, time, height, width, channels]");
    const float* seed = nullptr;
    if (!vector(kSeed, 2, kernel_.noise > 0.0f, seed)) return false;
    c.noise.scale = kernel_.noise;
    c.noise.per_sample = shape.size() > 3;
    if (seed != nullptr) c.noise.seed = static_cast<uint32_t>(seed[0]) << 16 | static_cast<uint32_t>(seed[1]);
    const bool norm = c.norm != Norm::none;
    if (!vector(kBias, c.channels, false, c.bias) || !vector(kGamma, c.channels, norm, c.gamma) ||
        !vector(kShift, c.channels, norm, c.shift) || !vector(kMean, c.channels, norm, c.mean) ||
        !vector(kVariance, c.channels, norm, c.variance)) {
      return false;
    }
    for (int k = 0; k < neuron.params; ++k) {
      TF_Tensor* t = context_.input(kFirstParam + k);
      if (t == nullptr) return false;
      const int64_t size = api.TF_TensorElementCount(t);
      if (size != 1 && size != c.channels) return refuse("a parameter must hold one value or one per channel");
      c.param.push_back({static_cast<const float*>(api.TF_TensorData(t)), size == 1 ? 0 : 1});
    }
    return states(kFirstParam + neuron.params, c, c.initial);
  }
  /// The place of the convolution's kernel.
  int kernel_at() const { return kFirstParam + kernel_.neuron->params + kernel_.neuron->states; }

  /// One tensor [B, ...] for each state from input `first` on; null where it is empty.
  bool states(int first, const Scan& c, std::vector<const float*>& into) {
    for (int k = 0; k < kernel_.neuron->states; ++k) {
      into.emplace_back();
      if (!vector(first + k, c.batch * c.neurons, false, into.back())) return false;
    }
    return true;
  }
  /// The shape of x without its time axis.
  std::vector<int64_t> cell() const {
    std::vector<int64_t> rest = {shape[0]};
    rest.insert(rest.end(), shape.begin() + 2, shape.end());
    return rest;
  }

  Images images() const {
    return {shape[1], shape[shape.size() - 3], shape[shape.size() - 2], shape.back()};
  }
  /// The shape of the output.
  std::vector<int64_t> out() const {
    std::vector<int64_t> pooled = shape;
    if (kernel_.pool) {
      pooled[2] /= 2;
      pooled[3] /= 2;
    }
    return pooled;
  }
  /// The gradient of the output, from input i: whole, or, where it is not pooled, with one value for all samples, all steps
  /// or all neurons. Null where the input is empty.
  bool read_gradient(int i, const Scan& c, const uint8_t* choice, std::unique_ptr<Source>& into) {
    TF_Tensor* t = context_.input(i);
    if (t == nullptr) return false;
    const auto size = Context::shape(t);
    const auto* data = static_cast<const float*>(api.TF_TensorData(t));
    if (api.TF_TensorElementCount(t) == 0) return true;
    if (size == out()) {
      if (kernel_.pool) into = std::make_unique<PooledGradient>(images(), data, choice);
      else into = std::make_unique<TensorSource>(data, Layout{c.steps, c.neurons});
      return true;
    }
    const auto is_one = [](int64_t length) { return length == 1; };
    const bool each = std::equal(size.begin() + std::min<size_t>(2, size.size()), size.end(), shape.begin() + 2, shape.end());
    const bool fits = size.size() == shape.size() && (size[0] == 1 || size[0] == shape[0]) &&
                      (size[1] == 1 || size[1] == shape[1]) && (each || std::all_of(size.begin() + 2, size.end(), is_one));
    if (kernel_.pool || !fits) return refuse("the gradient of the output has another shape than it");
    const int64_t row = each ? c.neurons : 1;
    into = std::make_unique<SpreadSource>(data, Spread{size[0] == 1 ? 0 : size[1] * row, size[1] == 1 ? 0 : row, each});
    return true;
  }

  /// Floats that hold a byte for each value of a pooled output.
  int64_t choices() const {
    if (!kernel_.pool || !kernel_.record) return 0;
    return (shape[0] * shape[1] * images().pooled() + 3) / 4;
  }

  std::vector<int64_t> shape;  // of what the neurons get
  Conv2d conv{};               // in front of them, where there is one
  const float* weights = nullptr;

 private:
  /// Reads the convolution; x, where it is at hand, gives way to the shape of its output.
  bool read_conv(bool has_x) {
    if (kernel_.way == ConvWay::none) return true;
    TF_Tensor* k = context_.input(kernel_at());
    TF_Tensor* x = context_.input(kX);
    if (k == nullptr || x == nullptr) return false;
    const auto size = Context::shape(k), in = Context::shape(x);
    conv = kernel_.conv;
    if (size.size() != 4 || (has_x && (in.size() != 5 || in[4] != size[2]))) {
      return refuse("x must be [batch, time, height, width, C] and the kernel [kh, kw, C, K]");
    }
    conv.k_h = size[0];
    conv.k_w = size[1];
    conv.in_c = size[2];
    conv.out_c = size[3];
    weights = static_cast<const float*>(api.TF_TensorData(k));
    if (!has_x && in.size() != 5) return true;  // x is not needed
    conv.images = in[0] * in[1];
    conv.in_h = in[2];
    conv.in_w = in[3];
    if (has_x) shape = {in[0], in[1], conv.out_h, conv.out_w, conv.out_c};
    const bool by_rows = kernel_.way == ConvWay::sparse || kernel_.way == ConvWay::winograd;
    if (by_rows && conv_fits(conv, ConvPass::forward, kernel_.way)) return true;
    return refuse("this way does not fit the convolution");
  }
  bool refuse(const char* message) {
    context_.fail((std::string("BidlScan: ") + message).c_str());
    return false;
  }
  /// Input i, of this size or (unless it is needed) empty.
  bool vector(int i, int64_t size, bool needed, const float*& into) {
    TF_Tensor* t = context_.input(i);
    if (t == nullptr) return false;
    const int64_t given = api.TF_TensorElementCount(t);
    if (given != size && (needed || given != 0)) return refuse("a vector or a state has another size than x asks for");
    into = given == 0 ? nullptr : static_cast<const float*>(api.TF_TensorData(t));
    return true;
  }

  Context& context_;
  const Kernel& kernel_;
};

/// Where rows of a tensor [B, T, N] go.
std::unique_ptr<Sink> tensor_sink(float* data, const Scan& c) {
  const Layout layout{c.steps, c.neurons};
  if (c.per_sequence() * static_cast<int64_t>(sizeof(float)) >= StreamedSink::LARGE) {
    return std::make_unique<StreamedSink>(data, layout);
  }
  return std::make_unique<TensorSink>(data, layout);
}

/// The rows of the neurons' input: a tensor's, or a convolution's.
class InputRows {
 public:
  InputRows(Context& context, const Call& call, const Kernel& kernel, const Scan& c) {
    const float* x = context.floats(kX);
    if (x == nullptr) return;
    if (kernel.way == ConvWay::none) {
      source_ = std::make_unique<TensorSource>(x, Layout{c.steps, c.neurons});
      return;
    }
    rows_ = conv_rows(call.conv, kernel.way, call.weights, thread_count());
    source_ = std::make_unique<ConvSource>(call.conv, *rows_, x, c.steps);
  }
  /// Null where x has been left out.
  Source* source() const { return source_.get(); }

 private:
  std::unique_ptr<ConvRows> rows_;
  std::unique_ptr<Source> source_;
};

void forward(void* data, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto& kernel = *static_cast<Kernel*>(data);
  Call call(context, kernel);
  Scan c{};
  if (!call.read(kX, c)) return;
  const auto save = [&](Saved what, std::vector<int64_t> size) { return context.output(kFirstSaved + what, std::move(size)); };
  std::vector<int64_t> several = call.shape;
  several.insert(several.begin(), c.kept());
  const int64_t steps = c.norm == Norm::batch ? c.steps : 0, channels = c.norm == Norm::batch ? c.channels : 0;
  float* out = context.output(kOut, call.out());
  auto* choice = reinterpret_cast<uint8_t*>(save(kChoice, {call.choices()}));
  const InputRows x(context, call, kernel, c);
  const std::unique_ptr<Sink> whole = tensor_sink(out, c);
  PooledSink pooled(call.images(), out, kernel.record ? choice : nullptr);
  ScanForward f{};
  f.x = x.source();
  f.out = kernel.pool ? static_cast<Sink*>(&pooled) : whole.get();
  f.s = save(kS, c.by_steps() ? call.shape : std::vector<int64_t>{0});
  f.kept = save(kKept, several);
  f.batch_mean = save(kBatchMean, {steps, channels});
  f.batch_inv = save(kBatchInv, {steps, channels});
  f.spread = save(kSpread, {c.steps, c.noise_groups(), c.channels});
  f.running_mean = context.output(kRunningMean, {channels});
  f.running_variance = context.output(kRunningVariance, {channels});
  std::copy_n(c.mean, channels, f.running_mean);
  std::copy_n(c.variance, channels, f.running_variance);
  for (int k = 0; k < c.states(); ++k) f.final_state.push_back(context.output(kFirstState + k, call.cell()));
  if (c.per_sequence() > 0) scan_forward(c, f);
}

void backward(void* data, TF_OpKernelContext* raw) {
  Context context(raw);
  const auto& kernel = *static_cast<Kernel*>(data);
  Call call(context, kernel);
  Scan c{};
  const int dout_at = call.kernel_at() + 1, saved_at = dout_at + 1;
  // x itself may have been left out where s has been saved, which has its shape.
  const bool by_steps = kernel.norm == Norm::batch || kernel.noise > 0.0f;
  if (!call.read(by_steps ? saved_at + kS : static_cast<int>(kX), c)) return;
  ScanBackward g{};
  if (!call.states(saved_at + kSavedCount, c, g.dfinal)) return;
  const auto saved = [&](Saved what) { return context.floats(saved_at + what); };
  const InputRows x(context, call, kernel, c);
  std::unique_ptr<Source> dout;
  if (!call.read_gradient(dout_at, c, reinterpret_cast<const uint8_t*>(saved(kChoice)), dout)) return;
  const std::unique_ptr<Sink> dx = tensor_sink(context.output(kDx, call.shape), c);
  g.x = x.source();
  g.dout = dout.get();
  g.dx = dx.get();
  g.s = saved(kS);
  g.kept = saved(kKept);
  g.batch_mean = saved(kBatchMean);
  g.batch_inv = saved(kBatchInv);
  g.spread = saved(kSpread);
  const auto optional = [&](int i, bool wanted) {
    float* to = context.output(i, {wanted ? c.channels : 0});
    return wanted ? to : nullptr;
  };
  g.dbias = optional(kDbias, c.bias != nullptr);
  g.dgamma = optional(kDgamma, c.norm != Norm::none);
  g.dshift = optional(kDshift, c.norm != Norm::none);
  for (int k = 0; k < c.params(); ++k) {
    float* to = optional(kFirstDparam + k, kernel.learn);
    if (kernel.learn) g.dparam.push_back(to);
  }
  for (int k = 0; k < c.states(); ++k) {
    g.dinitial.push_back(context.output(static_cast<int>(kFirstDparam + c.params()) + k, call.cell()));
  }
  if (c.per_sequence() == 0) return;
  if (c.back_needs_x() && g.x == nullptr) return context.fail("BidlScanGrad: this neuron needs x again");
  scan_backward(c, g);
}

}  // namespace

const char* define_scan() {
  for (const auto& [name, run] : {std::pair{"BidlScan", forward}, std::pair{"BidlScanGrad", backward}}) {
    const char* error = define(name, {"inputs: N * float"}, {"outputs: M * float"},
                               {"N: int", "M: int", "neuron: string", "constants: list(float)", "initial: list(float)",
                                "norm: int", "epsilon: float", "momentum: float", "noise: float", "learn: bool",
                                "record: bool", "pool: bool", "way: int", "stride_h: int", "stride_w: int", "pad_h: int",
                                "pad_w: int", "rows: int", "columns: int"},
                               create, run, destroy);
    if (error != nullptr) return error;
  }
  return nullptr;
}

}  // namespace bidl::tf
