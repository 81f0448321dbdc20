// BatchNorm with the statistics of every step: threads run step by step, one pass over the layer and one barrier a
// step; input + bias + membrane is saved for the backward pass.
// Included once per instruction set by lif_scan.cc, inside its namespace.

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
