// Compiled once per instruction set, with BIDL_ISA and BIDL_WIDTH set on the command line and floating-point
// contraction off: every multiplication and addition rounds as the reference interpreter's do.
//
// Two ways through memory:
//  - without BatchNorm, or with running statistics, neurons are independent: a block of neurons runs through
//    all steps with its state in the first-level cache; the backward pass recomputes the states it needs;
//  - with batch statistics every step needs sums over the whole layer: threads run step by step, one pass over
//    the layer and one barrier a step; x + v is saved for the backward pass.
//
// All sums have a fixed order that does not depend on the number of threads.
#include "lif_scan.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {

#include "../cpu/vector.h"

constexpr int kBlock = 512;                  // neurons of a block; a multiple of W
constexpr int64_t kScratchBytes = 96 << 10;  // for the recomputed states of a block
constexpr int64_t kChunk = 16384;            // neurons of a chunk between two barriers
constexpr int kFlush = 64;                   // rows summed in float before they go to a double

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

// ---------------------------------------------------------------- independent neurons

template <int TAP>
void forward_blocks(const LifScan& c, const LifForward& f) {
  const int64_t blocks = (c.neurons + kBlock - 1) / kBlock;
  const int64_t tasks = blocks * c.batch;
  std::atomic<int64_t> next_task{0};
  const int64_t wanted = std::min<int64_t>(tasks, c.batch * c.steps * c.neurons / 8192 + 1);
  parallel(wanted, [&](const Region&) {
    alignas(64) float v[kBlock];
    for (int64_t task; (task = next_task.fetch_add(1)) < tasks;) {
      const int64_t b = task / blocks, first = task % blocks * kBlock;
      const int64_t n = std::min<int64_t>(kBlock, c.neurons - first);
      const Lanes lanes(c, first, n);
      if (c.initial != nullptr) std::memcpy(v, c.initial + b * c.neurons + first, n * sizeof(float));
      else std::memset(v, 0, sizeof v);
      for (int64_t t = 0; t < c.steps; ++t) {
        const int64_t at = b * c.batch_stride + t * c.time_stride + first;
        const float* x = f.x + at;
        float* out = f.out + at;
        each(n, [&](int64_t i, auto part) {
          vf u = lanes.input(i, part.get(x + i)) + load(v + i);
          if (c.norm) u = lanes.normalise(i, u);
          vf next;
          part.put(out + i, step<TAP>(c, lanes.soma(i), u, next));
          store(v + i, next);
        });
      }
      std::memcpy(f.final_state + b * c.neurons + first, v, n * sizeof(float));
    }
  });
}

/// Adds the per-neuron sums of a block to the per-channel gradients.
void fold(const LifScan& c, int64_t neurons, const std::vector<double>& sums, float* into) {
  std::vector<double> total(c.channels, 0.0);
  for (int64_t i = 0; i < neurons; ++i) total[i % c.channels] += sums[i];
  for (int64_t k = 0; k < c.channels; ++k) into[k] = static_cast<float>(total[k]);
}

template <int TAP>
void backward_blocks(const LifScan& c, const LifBackward& g) {
  int64_t block = kScratchBytes / (4 * std::max<int64_t>(c.steps, 1)) / W * W;
  block = std::max<int64_t>(64, std::min<int64_t>(kBlock, block));
  const int64_t blocks = (c.neurons + block - 1) / block;
  const bool soma_wanted = g.dalpha != nullptr, norm_wanted = c.norm && g.dgamma != nullptr;
  const bool bias_wanted = g.dbias != nullptr;
  std::vector<double> sums[7];  // alpha, beta, theta, v0, gamma, shift, bias
  for (int k = 0; k < 7; ++k) {
    if (k < 4 ? soma_wanted : k < 6 ? norm_wanted : bias_wanted) sums[k].assign(c.neurons, 0.0);
  }
  std::atomic<int64_t> next_block{0};
  const int64_t wanted = std::min<int64_t>(blocks, c.batch * c.steps * c.neurons / 8192 + 1);
  parallel(wanted, [&](const Region&) {
    std::vector<float> states(block * c.steps);
    std::vector<float> dv(block), v(block), lane_sums[7];
    for (auto& s : lane_sums) s.resize(block);
    for (int64_t j; (j = next_block.fetch_add(1)) < blocks;) {
      const int64_t first = j * block, n = std::min<int64_t>(block, c.neurons - first);
      const Lanes lanes(c, first, n);
      for (int64_t b = 0; b < c.batch; ++b) {
        const int64_t base = b * c.batch_stride + first, cell = b * c.neurons + first;
        // Forward again: x + v of every step.
        std::fill(v.begin(), v.end(), 0.0f);
        if (c.initial != nullptr) std::memcpy(v.data(), c.initial + cell, n * sizeof(float));
        for (int64_t t = 0; t < c.steps; ++t) {
          const float* x = g.x + base + t * c.time_stride;
          float* s = &states[t * block];
          each(n, [&](int64_t i, auto part) {
            const vf sum = lanes.input(i, part.get(x + i)) + load(&v[i]);
            store(s + i, sum);
            vf next;
            step<kSpike>(c, lanes.soma(i), c.norm ? lanes.normalise(i, sum) : sum, next);
            store(&v[i], next);
          });
        }
        std::fill(dv.begin(), dv.end(), 0.0f);
        if (g.dfinal != nullptr) std::memcpy(dv.data(), g.dfinal + cell, n * sizeof(float));
        for (auto& s : lane_sums) std::fill(s.begin(), s.end(), 0.0f);
        for (int64_t t = c.steps - 1; t >= 0; --t) {
          const int64_t at = base + t * c.time_stride;
          const float* s = &states[t * block];
          each(n, [&](int64_t i, auto part) {
            const vf sum = load(s + i);
            const vf u = c.norm ? lanes.normalise(i, sum) : sum;
            const vf dout = g.dout != nullptr ? part.get(g.dout + at + i) : vf{};
            SomaGradient soma{};
            vf du = step_back<TAP>(c, lanes.soma(i), u, dout, load(&dv[i]), soma_wanted ? &soma : nullptr);
            if (soma_wanted) {
              store(&lane_sums[0][i], load(&lane_sums[0][i]) + soma.alpha);
              store(&lane_sums[1][i], load(&lane_sums[1][i]) + soma.beta);
              store(&lane_sums[2][i], load(&lane_sums[2][i]) + soma.theta);
              store(&lane_sums[3][i], load(&lane_sums[3][i]) + soma.v0);
            }
            if (norm_wanted) {  // scaled to the derivative in gamma at the end
              store(&lane_sums[4][i], load(&lane_sums[4][i]) + du * (sum - load(&lanes.mean[i])));
              store(&lane_sums[5][i], load(&lane_sums[5][i]) + du);
            }
            if (c.norm) du = du * load(&lanes.scale[i]);
            if (bias_wanted) store(&lane_sums[6][i], load(&lane_sums[6][i]) + du);
            part.put(g.dx + at + i, du);
            store(&dv[i], du);
          });
        }
        std::memcpy(g.dinitial + cell, dv.data(), n * sizeof(float));
        for (int k = 0; k < 7; ++k) {
          if (sums[k].empty()) continue;
          for (int64_t i = 0; i < n; ++i) sums[k][first + i] += lane_sums[k][i];
        }
      }
    }
  });
  if (soma_wanted) {
    float* into[] = {g.dalpha, g.dbeta, g.dtheta, g.dv0};
    for (int k = 0; k < 4; ++k) fold(c, c.neurons, sums[k], into[k]);
  }
  if (norm_wanted) {
    fold(c, c.neurons, sums[4], g.dgamma);
    fold(c, c.neurons, sums[5], g.dshift);
    for (int64_t k = 0; k < c.channels; ++k) g.dgamma[k] /= std::sqrt(c.variance[k] + c.epsilon);
  }
  if (bias_wanted) fold(c, c.neurons, sums[6], g.dbias);
}

// ---------------------------------------------------------------- batch statistics of every step

/// How a layer is cut for the step-by-step passes: chunks of whole rows, a row being some whole pixels
/// (`lanes` neurons), so that short channel counts still fill vectors.
struct Grid {
  int64_t lanes, rows_per_chunk, chunks_per_sample, chunks;
  double count;  // values a channel has in one step
  explicit Grid(const LifScan& c) {
    lanes = c.channels;
    while (lanes < 128 || (lanes % W != 0 && lanes < 2048)) lanes += c.channels;
    rows_per_chunk = std::max<int64_t>(1, kChunk / lanes);
    const int64_t rows = (c.neurons + lanes - 1) / lanes;
    chunks_per_sample = (rows + rows_per_chunk - 1) / rows_per_chunk;
    chunks = chunks_per_sample * c.batch;
    count = static_cast<double>(c.batch) * static_cast<double>(c.neurons / c.channels);
  }
  /// Calls body(neuron, n, row, at): a row of n neurons from `neuron` on; `at` is its place in [B, N].
  template <class Body>
  void rows(const LifScan& c, int64_t chunk, Body body) const {
    const int64_t b = chunk / chunks_per_sample;
    int64_t first = chunk % chunks_per_sample * rows_per_chunk * lanes;
    for (int64_t r = 0; r < rows_per_chunk && first < c.neurons; ++r, first += lanes) {
      body(b, first, std::min<int64_t>(lanes, c.neurons - first));
    }
  }
};

/// Two sums per channel over the layer, from chunk sums kept for two steps in turn.
class ChannelSums {
 public:
  ChannelSums(const Grid& grid, int64_t channels) : grid_(grid), channels_(channels) {
    for (auto& p : partial_) p.resize(grid.chunks * 2 * channels);
  }
  double* of(int64_t t, int64_t chunk) { return &partial_[t & 1][chunk * 2 * channels_]; }
  /// Sums over all chunks, in chunk order.
  void total(int64_t t, std::vector<double>& first, std::vector<double>& second) const {
    first.assign(channels_, 0.0);
    second.assign(channels_, 0.0);
    const double* p = partial_[t & 1].data();
    for (int64_t chunk = 0; chunk < grid_.chunks; ++chunk) {
      for (int64_t k = 0; k < channels_; ++k) first[k] += *p++;
      for (int64_t k = 0; k < channels_; ++k) second[k] += *p++;
    }
  }

 private:
  const Grid& grid_;
  int64_t channels_;
  std::vector<double> partial_[2];
};

/// Running sums of the lanes of a chunk: float for a few rows, then double per channel.
class LaneSums {
 public:
  LaneSums(int64_t lanes, int64_t channels, int quantities) : lanes_(lanes), channels_(channels) {
    for (int q = 0; q < quantities; ++q) sums_.emplace_back((lanes + W - 1) / W * W, 0.0f);
  }
  void add(int q, int64_t i, vf x) { store(&sums_[q][i], load(&sums_[q][i]) + x); }
  /// Counts a row; after kFlush of them, or when forced, moves the sums of quantity q to into + q·channels.
  void end_row(double* into, bool force = false) {
    if (!force && ++rows_ < kFlush) return;
    rows_ = 0;
    for (size_t q = 0; q < sums_.size(); ++q) {
      for (int64_t i = 0, k = 0; i < lanes_; ++i) {
        into[q * channels_ + k] += sums_[q][i];
        if (++k == channels_) k = 0;
      }
      std::fill(sums_[q].begin(), sums_[q].end(), 0.0f);
    }
  }

 private:
  int64_t lanes_, channels_;
  int rows_ = 0;
  std::vector<std::vector<float>> sums_;
};

int64_t threads_for(const LifScan& c, const Grid& grid) {
  return std::min<int64_t>(grid.chunks, c.batch * c.neurons / 4096 + 1);
}

/// Writes channel values out over the lanes of a row.
void spread(const std::vector<float>& channel, int64_t lanes, std::vector<float>& into) {
  for (int64_t i = 0; i < lanes; ++i) into[i] = channel[i % channel.size()];
}

template <int TAP>
void forward_steps(const LifScan& c, const LifForward& f) {
  const Grid grid(c);
  ChannelSums sums(grid, c.channels);
  parallel(threads_for(c, grid), [&](const Region& region) {
    int64_t first_chunk, last_chunk;
    region.share(grid.chunks, first_chunk, last_chunk);
    Lanes lanes(c, 0, grid.lanes);
    LaneSums local(grid.lanes, c.channels, 2);
    std::vector<double> first, second;
    std::vector<float> mean(c.channels), scale(c.channels);
    // Sums are taken around a pivot near the mean, so that their squares do not cancel: at first the first
    // pixel's own values, later the mean of the step before.
    std::vector<float> pivot(c.channels);
    for (int64_t k = 0; k < c.channels; ++k) {
      pivot[k] = f.x[k] + (c.bias != nullptr ? c.bias[k] : 0.0f) + (c.initial != nullptr ? c.initial[k] : 0.0f);
    }
    spread(pivot, grid.lanes, lanes.mean);
    for (int64_t chunk = first_chunk; chunk < last_chunk; ++chunk) {
      double* into = sums.of(0, chunk);
      std::fill(into, into + 2 * c.channels, 0.0);
      grid.rows(c, chunk, [&](int64_t b, int64_t neuron, int64_t n) {
        const int64_t at = b * c.batch_stride + neuron, cell = b * c.neurons + neuron;
        each(n, [&](int64_t i, auto part) {
          vf s = lanes.input(i, part.get(f.x + at + i));
          if (c.initial != nullptr) s += part.get(c.initial + cell + i);
          part.put(f.saved + at + i, s);
          vf d = s - load(&lanes.mean[i]);
          if constexpr (!decltype(part)::whole) d = Mask{part.n}.keep(d);
          local.add(0, i, d);
          local.add(1, i, d * d);
        });
        local.end_row(into);
      });
      local.end_row(into, true);
    }
    for (int64_t t = 0; t < c.steps; ++t) {
      region.barrier.wait();
      sums.total(t, first, second);
      for (int64_t k = 0; k < c.channels; ++k) {
        const double d = first[k] / grid.count;
        const double variance = std::max(0.0, second[k] / grid.count - d * d);
        const float inv = static_cast<float>(1.0 / std::sqrt(variance + c.epsilon));
        mean[k] = static_cast<float>(pivot[k] + d);
        scale[k] = c.gamma[k] * inv;
        if (region.thread == 0) {
          f.batch_mean[t * c.channels + k] = mean[k];
          f.batch_inv[t * c.channels + k] = inv;
          const double unbiased = grid.count > 1 ? variance * grid.count / (grid.count - 1) : variance;
          f.running_mean[k] += c.momentum * (mean[k] - f.running_mean[k]);
          f.running_variance[k] += c.momentum * (static_cast<float>(unbiased) - f.running_variance[k]);
        }
      }
      pivot = mean;
      spread(mean, grid.lanes, lanes.mean);
      spread(scale, grid.lanes, lanes.scale);
      const bool last = t + 1 == c.steps;
      for (int64_t chunk = first_chunk; chunk < last_chunk; ++chunk) {
        double* into = sums.of(t + 1, chunk);
        std::fill(into, into + 2 * c.channels, 0.0);
        grid.rows(c, chunk, [&](int64_t b, int64_t neuron, int64_t n) {
          const int64_t at = b * c.batch_stride + t * c.time_stride + neuron, later = at + c.time_stride;
          const int64_t cell = b * c.neurons + neuron;
          each(n, [&](int64_t i, auto part) {
            vf next;
            const vf u = lanes.normalise(i, part.get(f.saved + at + i));
            part.put(f.out + at + i, step<TAP>(c, lanes.soma(i), u, next));
            if (last) {
              part.put(f.final_state + cell + i, next);
              return;
            }
            const vf s = lanes.input(i, part.get(f.x + later + i)) + next;
            part.put(f.saved + later + i, s);
            vf d = s - load(&lanes.mean[i]);
            if constexpr (!decltype(part)::whole) d = Mask{part.n}.keep(d);
            local.add(0, i, d);
            local.add(1, i, d * d);
          });
          local.end_row(into);
        });
        local.end_row(into, true);
      }
    }
  });
}

template <int TAP>
void backward_steps(const LifScan& c, const LifBackward& g) {
  const Grid grid(c);
  ChannelSums sums(grid, c.channels);
  const bool soma_wanted = g.dalpha != nullptr;
  std::vector<double> soma_sums(soma_wanted ? grid.chunks * 4 * c.channels : 0, 0.0);
  const bool bias_wanted = g.dbias != nullptr;
  std::vector<double> bias_sums(bias_wanted ? grid.chunks * c.channels : 0, 0.0);
  std::vector<double> dgamma(c.channels, 0.0), dshift(c.channels, 0.0);
  // Gradient of the normalised membrane of one step: small enough to stay in cache between two steps.
  const std::unique_ptr<float[]> pending(new float[c.batch * c.neurons]);
  parallel(threads_for(c, grid), [&](const Region& region) {
    int64_t first_chunk, last_chunk;
    region.share(grid.chunks, first_chunk, last_chunk);
    // Statistics of the step at hand (now) and of the one before it (then).
    Lanes now(c, 0, grid.lanes), then(c, 0, grid.lanes);
    std::vector<float> inv_now(now.mean.size()), inv_then(now.mean.size());
    std::vector<float> mean_du(now.mean.size()), mean_dot(now.mean.size());
    LaneSums local(grid.lanes, c.channels, 2), soma_local(soma_wanted ? grid.lanes : 0, c.channels, 4);
    LaneSums bias_local(bias_wanted ? grid.lanes : 0, c.channels, 1);
    std::vector<double> first, second;

    const auto statistics = [&](int64_t t, Lanes& lanes, std::vector<float>& inv) {
      for (int64_t i = 0; i < grid.lanes; ++i) {
        const int64_t k = i % c.channels;
        lanes.mean[i] = g.batch_mean[t * c.channels + k];
        inv[i] = g.batch_inv[t * c.channels + k];
        lanes.scale[i] = c.gamma[k] * inv[i];
      }
    };
    // Gradient of the normalised membrane of a step, kept for the sums over the whole layer that it needs.
    const auto enter = [&](const Lanes& lanes, const std::vector<float>& inv, int64_t at, int64_t cell, int64_t i,
                           auto part, vf dnext) {
      const vf s = part.get(g.saved + at + i);
      const vf dout = g.dout != nullptr ? part.get(g.dout + at + i) : vf{};
      SomaGradient soma{};
      vf du = step_back<TAP>(c, lanes.soma(i), lanes.normalise(i, s), dout, dnext, soma_wanted ? &soma : nullptr);
      part.put(&pending[cell + i], du);
      if constexpr (!decltype(part)::whole) {
        const Mask mask{part.n};
        du = mask.keep(du);
        soma = {mask.keep(soma.alpha), mask.keep(soma.beta), mask.keep(soma.theta), mask.keep(soma.v0)};
      }
      local.add(0, i, du);
      local.add(1, i, du * ((s - load(&lanes.mean[i])) * load(&inv[i])));
      if (soma_wanted) {
        soma_local.add(0, i, soma.alpha);
        soma_local.add(1, i, soma.beta);
        soma_local.add(2, i, soma.theta);
        soma_local.add(3, i, soma.v0);
      }
    };
    const auto end_row = [&](int64_t chunk, double* into, bool force = false) {
      local.end_row(into, force);
      if (soma_wanted) soma_local.end_row(&soma_sums[chunk * 4 * c.channels], force);
    };

    statistics(c.steps - 1, now, inv_now);
    for (int64_t chunk = first_chunk; chunk < last_chunk; ++chunk) {
      double* into = sums.of(c.steps - 1, chunk);
      std::fill(into, into + 2 * c.channels, 0.0);
      grid.rows(c, chunk, [&](int64_t b, int64_t neuron, int64_t n) {
        const int64_t at = b * c.batch_stride + (c.steps - 1) * c.time_stride + neuron;
        const int64_t cell = b * c.neurons + neuron;
        each(n, [&](int64_t i, auto part) {
          enter(now, inv_now, at, cell, i, part, g.dfinal != nullptr ? part.get(g.dfinal + cell + i) : vf{});
        });
        end_row(chunk, into);
      });
      end_row(chunk, into, true);
    }
    for (int64_t t = c.steps - 1; t >= 0; --t) {
      region.barrier.wait();
      sums.total(t, first, second);
      for (int64_t i = 0; i < grid.lanes; ++i) {
        mean_du[i] = static_cast<float>(first[i % c.channels] / grid.count);
        mean_dot[i] = static_cast<float>(second[i % c.channels] / grid.count);
      }
      if (region.thread == 0) {
        for (int64_t k = 0; k < c.channels; ++k) {
          dshift[k] += first[k];
          dgamma[k] += second[k];
        }
      }
      if (t > 0) statistics(t - 1, then, inv_then);
      for (int64_t chunk = first_chunk; chunk < last_chunk; ++chunk) {
        double* into = t > 0 ? sums.of(t - 1, chunk) : nullptr;
        if (into != nullptr) std::fill(into, into + 2 * c.channels, 0.0);
        grid.rows(c, chunk, [&](int64_t b, int64_t neuron, int64_t n) {
          const int64_t at = b * c.batch_stride + t * c.time_stride + neuron, cell = b * c.neurons + neuron;
          each(n, [&](int64_t i, auto part) {
            const vf hat = (part.get(g.saved + at + i) - load(&now.mean[i])) * load(&inv_now[i]);
            const vf du = part.get(&pending[cell + i]);
            const vf ds = load(&now.scale[i]) * (du - load(&mean_du[i]) - hat * load(&mean_dot[i]));
            part.put(g.dx + at + i, ds);
            if (bias_wanted) {
              if constexpr (decltype(part)::whole) bias_local.add(0, i, ds);
              else bias_local.add(0, i, Mask{part.n}.keep(ds));
            }
            if (t > 0) enter(then, inv_then, at - c.time_stride, cell, i, part, ds);
            else part.put(g.dinitial + cell + i, ds);
          });
          if (t > 0) end_row(chunk, into);
          if (bias_wanted) bias_local.end_row(&bias_sums[chunk * c.channels]);
        });
        if (t > 0) end_row(chunk, into, true);
        if (bias_wanted) bias_local.end_row(&bias_sums[chunk * c.channels], true);
      }
      std::swap(now, then);
      std::swap(inv_now, inv_then);
    }
  });
  // Sum q of `quantities` over the chunks, in chunk order.
  const auto total = [&](const std::vector<double>& sums, int q, int quantities, int64_t k) {
    double all = 0;
    for (int64_t chunk = 0; chunk < grid.chunks; ++chunk) all += sums[(chunk * quantities + q) * c.channels + k];
    return static_cast<float>(all);
  };
  for (int64_t k = 0; k < c.channels; ++k) {
    g.dgamma[k] = static_cast<float>(dgamma[k]);
    g.dshift[k] = static_cast<float>(dshift[k]);
    if (bias_wanted) g.dbias[k] = total(bias_sums, 0, 1, k);
    if (!soma_wanted) continue;
    float* into[] = {g.dalpha, g.dbeta, g.dtheta, g.dv0};
    for (int q = 0; q < 4; ++q) into[q][k] = total(soma_sums, q, 4, k);
  }
}

template <int TAP>
void forward_tap(const LifScan& c, const LifForward& f) {
  if (c.norm && c.training) forward_steps<TAP>(c, f);
  else forward_blocks<TAP>(c, f);
}
template <int TAP>
void backward_tap(const LifScan& c, const LifBackward& g) {
  if (c.norm && c.training) backward_steps<TAP>(c, g);
  else backward_blocks<TAP>(c, g);
}

}  // namespace

void lif_forward(const LifScan& c, const LifForward& f) {
  switch (c.tap) {
    case kAfterInput: return forward_tap<kAfterInput>(c, f);
    case kOverThreshold: return forward_tap<kOverThreshold>(c, f);
    case kAfterReset: return forward_tap<kAfterReset>(c, f);
    case kAfterLeak: return forward_tap<kAfterLeak>(c, f);
    default: return forward_tap<kSpike>(c, f);
  }
}
void lif_backward(const LifScan& c, const LifBackward& g) {
  switch (c.tap) {
    case kAfterInput: return backward_tap<kAfterInput>(c, g);
    case kOverThreshold: return backward_tap<kOverThreshold>(c, g);
    case kAfterReset: return backward_tap<kAfterReset>(c, g);
    case kAfterLeak: return backward_tap<kAfterLeak>(c, g);
    default: return backward_tap<kSpike>(c, g);
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
