// The LIF equations on vectors, forward and backward, and a layer's parameters written out for them.
// Included once per instruction set by lif_scan.cc, inside its namespace.

struct Soma {
  vf alpha, beta, theta, v0;
};

/// Applies `f` to each lane.
template <class F>
inline vf lanewise(vf x, F f) {
  for (int i = 0; i < W; ++i) x[i] = f(x[i]);
  return x;
}

inline float logistic(float x) { return 1.0f / (1.0f + std::exp(-x)); }

inline vf activate(int activation, vf x) {
  switch (activation) {
    case kRelu: return relu(x);
    case kSigmoid: return lanewise(x, logistic);
    case kTanh: return lanewise(x, [](float v) { return std::tanh(v); });
    default: return x;
  }
}

/// dy times the activation's derivative at x.
inline vf activate_back(int activation, vf x, vf dy) {
  switch (activation) {
    case kRelu: return zero_or(x > vf{}, dy);
    case kSigmoid: {
      const vf s = lanewise(x, logistic);
      return dy * (s * (1.0f - s));
    }
    case kTanh: {
      const vf h = lanewise(x, [](float v) { return std::tanh(v); });
      return dy * (1.0f - h * h);
    }
    default: return dy;
  }
}

/// The surrogate's derivative at u - theta.
inline vf slope(const LifScan& c, vf x) {
  const float k = c.slope_arg;
  switch (c.slope) {
    case kRectangle: {
      const vf d = x - splat(c.threshold);
      const vf magnitude = choose(d < vf{}, -d, d);
      return zero_or(magnitude < splat(k), splat(1.0f / (2.0f * k)));
    }
    case kArctan: {
      const vf z = splat(static_cast<float>(M_PI / 2) * k) * x;
      return splat(k / 2) / (1.0f + z * z);
    }
    case kFastSigmoid: {
      const vf d = 1.0f + splat(k) * choose(x < vf{}, -x, x);
      return 1.0f / (d * d);
    }
    case kSigmoidSlope: {
      const vf s = lanewise(splat(k) * x, logistic);
      return splat(k) * (s * (1.0f - s));
    }
    default: return vf{};
  }
}

/// One step of the dynamics from the (normalised) membrane u after input.
template <int TAP>
inline vf step(const LifScan& c, const Soma& p, vf u, vf& next) {
  const vf over = u - p.theta;
  const vi fired = over > splat(c.threshold);
  const vf reset = choose(fired, p.v0, u);
  next = p.alpha * reset + p.beta;
  if (TAP == kSpike) return zero_or(fired, splat(1.0f));
  return activate(c.activation, TAP == kAfterInput ? u : TAP == kOverThreshold ? over : TAP == kAfterReset ? reset : next);
}

struct SomaGradient {
  vf alpha, beta, theta, v0;
};

/// The step backwards: from the gradients of the output and of the next state to that of u.
template <int TAP>
inline vf step_back(const LifScan& c, const Soma& p, vf u, vf dout, vf dnext, SomaGradient* g) {
  const vf over = u - p.theta;
  const vi fired = over > splat(c.threshold);
  const vf reset = choose(fired, p.v0, u);
  vf dshown = dout;
  if (TAP == kAfterInput) dshown = activate_back(c.activation, u, dout);
  if (TAP == kOverThreshold) dshown = activate_back(c.activation, over, dout);
  if (TAP == kAfterReset) dshown = activate_back(c.activation, reset, dout);
  if (TAP == kAfterLeak) dnext += activate_back(c.activation, p.alpha * reset + p.beta, dout);
  vf dreset = dnext * p.alpha;
  if (TAP == kAfterReset) dreset += dshown;
  vf dspike = dreset * (p.v0 - u);
  if (TAP == kSpike) dspike += dout;
  vf dover = dspike * slope(c, over);
  if (TAP == kOverThreshold) dover += dshown;
  vf du = zero_or(~fired, dreset) + dover;
  if (TAP == kAfterInput) du += dshown;
  if (g != nullptr) {
    g->alpha += dnext * reset;
    g->beta += dnext;
    g->theta -= dover;
    g->v0 += zero_or(fired, dreset);
  }
  return du;
}

/// Parameters written out for a run of neurons that starts at channel 0 of the layer plus `first`.
struct Lanes {
  std::vector<float> bias, alpha, beta, theta, v0, mean, scale, shift;
  Lanes(const LifScan& c, int64_t first, int64_t n) {
    const size_t size = (n + W - 1) / W * W;
    for (auto* v : {&bias, &alpha, &beta, &theta, &v0, &mean, &scale, &shift}) v->assign(size, 0.0f);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t k = (first + i) % c.channels;
      if (c.bias != nullptr) bias[i] = c.bias[k];
      alpha[i] = c.alpha.at(k);
      beta[i] = c.beta.at(k);
      theta[i] = c.theta.at(k);
      v0[i] = c.v0.at(k);
      if (c.norm) shift[i] = c.shift[k];
      if (c.norm && !c.training) {
        mean[i] = c.mean[k];
        scale[i] = c.gamma[k] / std::sqrt(c.variance[k] + c.epsilon);
      }
    }
  }
  Soma soma(int64_t i) const {
    return {load(&alpha[i]), load(&beta[i]), load(&theta[i]), load(&v0[i])};
  }
  /// The neuron's input: the synapse's output and its bias.
  vf input(int64_t i, vf x) const { return x + load(&bias[i]); }
  vf normalise(int64_t i, vf s) const { return (s - load(&mean[i])) * load(&scale[i]) + load(&shift[i]); }
};

/// Lanes for one block after another. Blocks that begin at the same channel share them, which with the usual channel
/// counts is all of them: they are written out once.
class LanesOfBlocks {
 public:
  explicit LanesOfBlocks(const LifScan& c) : c_(c) {}
  const Lanes& at(int64_t first, int64_t n) {
    const int64_t phase = first % c_.channels;
    if (lanes_ == nullptr || phase != phase_ || n > size_) {
      lanes_ = std::make_unique<Lanes>(c_, first, n);
      phase_ = phase;
      size_ = n;
    }
    return *lanes_;
  }

 private:
  const LifScan& c_;
  std::unique_ptr<Lanes> lanes_;
  int64_t phase_ = 0, size_ = 0;
};
