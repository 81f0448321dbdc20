// Neurons that do not see each other: without BatchNorm, or with running statistics. A block of them runs through
// all steps with its state in the first-level cache; the backward pass recomputes the states it needs.
// Included once per instruction set by lif_scan.cc, inside its namespace.

constexpr int kBlock = 512;                  // neurons of a block; a multiple of W
constexpr int64_t kScratchBytes = 96 << 10;  // for the recomputed states of a block

template <int TAP>
void forward_blocks(const LifScan& c, const LifForward& f) {
  const int64_t blocks = (c.neurons + kBlock - 1) / kBlock;
  const int64_t tasks = blocks * c.batch;
  std::atomic<int64_t> next_task{0};
  const int64_t wanted = std::min<int64_t>(tasks, c.batch * c.steps * c.neurons / 8192 + 1);
  parallel(wanted, [&](const Region&) {
    alignas(64) float v[kBlock];
    LanesOfBlocks blocks_lanes(c);
    for (int64_t task; (task = next_task.fetch_add(1)) < tasks;) {
      const int64_t b = task / blocks, first = task % blocks * kBlock;
      const int64_t n = std::min<int64_t>(kBlock, c.neurons - first);
      const Lanes& lanes = blocks_lanes.at(first, n);
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
    LanesOfBlocks blocks_lanes(c);
    std::vector<float> states(block * c.steps);
    std::vector<float> dv(block), v(block), lane_sums[7];
    for (auto& s : lane_sums) s.resize(block);
    for (int64_t j; (j = next_block.fetch_add(1)) < blocks;) {
      const int64_t first = j * block, n = std::min<int64_t>(block, c.neurons - first);
      const Lanes& lanes = blocks_lanes.at(first, n);
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
