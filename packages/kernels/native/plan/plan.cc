#include "plan.h"

#include <algorithm>
#include <cstring>

#include "../pool/relax.h"
#include "half.h"
#include "pack.h"

namespace bidl {
namespace {
constexpr int64_t MOST_STEPS = 32;                      // that are run at once
constexpr int64_t MOST_BYTES = int64_t{64} << 20;       // of the values of these steps
constexpr int64_t TEAM_WORK = int64_t{1} << 20;         // multiply-adds of a step from which several threads pay
constexpr int64_t PARTS = 8;                            // of an instruction with few steps

/// Steps at once: all of a sample, or an equal part of them.
int64_t steps_of(const Program& program) {
  const int64_t fit = std::clamp<int64_t>(MOST_BYTES / (SampleMemory::step_bytes(program) + 1), 1, MOST_STEPS);
  const int64_t turns = (program.timesteps + fit - 1) / fit;
  return (program.timesteps + turns - 1) / turns;
}
}  // namespace

Plan::Plan(Program program, const float* weights, int64_t threads, int64_t samples)
    : program_(std::move(program)), kernels_(plan_kernels()), steps_(steps_of(program_)) {
  int64_t work = 0, most = 0;
  for (Instruction& i : program_.instructions) {
    most += i.joined ? steps_ : 1;
    if (i.weights < 0) continue;
    pack(i, weights);
    work += int64_t{i.window.out_h} * i.window.out_w * static_cast<int64_t>(i.packed.size());
  }
  together_ = threads > 1 && work >= TEAM_WORK;
  const int64_t at_once = std::min(threads, samples);
  for (int64_t k = 0; k < at_once; ++k) memories_.emplace_back(program_, steps_);
  const int64_t team = together_ ? threads : at_once;
  for (int64_t k = 0; k < team; ++k) workspaces_.emplace_back(program_, steps_, together_ ? threads : 1);
  progress_ = std::vector<Progress>(2 * most * steps_);
  if (team > 1) team_ = std::make_unique<Team>(static_cast<int>(team));
}

int64_t Plan::resident_bytes() const {
  int64_t floats = static_cast<int64_t>(program_.constants.size());
  for (const Instruction& i : program_.instructions) {
    floats += static_cast<int64_t>(i.packed.size() + i.packed_bias.size());
  }
  int64_t bytes = floats * int64_t{sizeof(float)};
  for (const Workspace& w : workspaces_) bytes += w.bytes();
  return bytes + static_cast<int64_t>(memories_.size()) * steps_ * SampleMemory::step_bytes(program_);
}

void Plan::reset(uint8_t* state, int64_t n) const {
  for (int64_t b = 0; b < n; ++b) {
    for (const StateSlot& slot : program_.states) {
      uint8_t* at = state + b * program_.state_bytes + slot.offset;
      if (slot.format == Format::float16) {
        std::fill_n(reinterpret_cast<uint16_t*>(at), slot.elements, to_half(slot.initial));
      } else {
        std::fill_n(reinterpret_cast<float*>(at), slot.elements, slot.initial);
      }
    }
  }
}

void Plan::run(const uint8_t* input, uint8_t* output, uint8_t* state, int64_t n, int64_t steps) {
  for (int64_t first = 0; first < steps; first += steps_) {
    window(input + first * n * program_.input_bytes, output + first * n * program_.output_bytes, state, n,
           std::min(steps_, steps - first));
  }
}

void Plan::window(const uint8_t* input, uint8_t* output, uint8_t* state, int64_t n, int64_t steps) {
  const auto* constants = reinterpret_cast<const uint8_t*>(program_.constants.data());
  const auto job = [&](int64_t b, SampleMemory& memory, Progress* progress) {
    Job j{{}, memory, progress};
    const auto place = [&](Place p, const uint8_t* at, int64_t stride) {
      // Only results go through the pointers that started out constant: `decode` allows no other.
      j.bases.at[static_cast<int>(p)] = const_cast<uint8_t*>(at);
      j.bases.strides[static_cast<int>(p)] = stride;
    };
    place(Place::arena, memory.arena(0), memory.arena(1) - memory.arena(0));
    place(Place::temporary, nullptr, 0);
    place(Place::sums, nullptr, 0);
    place(Place::input, input + b * program_.input_bytes, n * program_.input_bytes);
    place(Place::output, output + b * program_.output_bytes, n * program_.output_bytes);
    place(Place::state, state + b * program_.state_bytes, 0);
    place(Place::constant, constants, 0);
    return j;
  };
  const auto samples = std::min<int64_t>(n, static_cast<int64_t>(memories_.size()));
  if (samples > 1) {  // each thread has samples of its own
    Progress progress;
    team_->run([&](int64_t thread) {
      if (thread >= samples) return;
      parts(&progress, thread, n, [&](int64_t b) { sample(job(b, memories_[thread], nullptr), thread, steps); });
    });
    return;
  }
  for (int64_t b = 0; b < n; ++b) {
    if (!together_) {
      sample(job(b, memories_[0], nullptr), 0, steps);
      continue;
    }
    for (Progress& p : progress_) p.reset();
    const Job shared = job(b, memories_[0], progress_.data());
    team_->run([&](int64_t thread) { sample(shared, thread, steps); });
  }
}

/// Runs `part` for every part of `count`, shared among the threads; returns when all are done. Each thread begins with a
/// share of its own, so that what threads write lies apart, and goes on with what is left of the others'. A thread that
/// comes late finds nothing left to do, and nobody waits for it.
template <class Part>
void Plan::parts(Progress* progress, int64_t thread, int64_t count, Part part) {
  if (progress == nullptr) {
    for (int64_t k = 0; k < count; ++k) part(k);
    return;
  }
  const int64_t shares = std::min(static_cast<int64_t>(workspaces_.size()), Progress::SHARES);
  for (int64_t turn = 0; turn < shares; ++turn) {
    const int64_t share = (thread + turn) % shares, first = count * share / shares, last = count * (share + 1) / shares;
    for (int64_t k; (k = first + progress->taken[share].fetch_add(1)) < last;) {
      part(k);
      progress->done.fetch_add(1, std::memory_order_release);
    }
  }
  for (int spins = 0; progress->done.load(std::memory_order_acquire) < count; ++spins) relax(spins);
}

/// Stage by stage: one instruction through all steps, or several that belong together step by step.
void Plan::sample(const Job& job, int64_t thread, int64_t steps) {
  Progress* progress = job.progress;
  const auto run = [&](const Instruction& i, int64_t first, int64_t last) {
    instruction(i, job, progress, thread, first, last);
    if (progress != nullptr) progress += 2;
  };
  const auto& all = program_.instructions;
  for (size_t first = 0, end; first < all.size(); first = end) {
    for (end = first + 1; end < all.size() && all[end].joined; ++end) {}
    if (end == first + 1) {
      run(all[first], 0, steps);
      continue;
    }
    for (int64_t t = 0; t < steps; ++t) {
      for (size_t k = first; k < end; ++k) run(all[k], t, t + 1);
    }
  }
}

void Plan::instruction(const Instruction& i, const Job& job, Progress* progress, int64_t thread, int64_t first,
                       int64_t last) {
  const int64_t steps = last - first;
  const auto at = [&](const Operand& o, int64_t t) {
    const int place = static_cast<int>(o.place);
    return job.bases.at[place] + t * job.bases.strides[place] + o.offset;
  };
  const auto floats = [&](const Operand& o, int64_t t) { return reinterpret_cast<float*>(at(o, t)); };
  /// Rows of every step, a few rows at a time where steps are few.
  const auto rows = [&](int64_t count, const auto& part) {
    const int64_t slices = std::min(count, (PARTS + steps - 1) / steps);
    parts(progress, thread, steps * slices, [&](int64_t k) {
      const int64_t slice = k % slices;
      part(first + k / slices, count * slice / slices, count * (slice + 1) / slices);
    });
  };
  switch (i.kind) {
    case Instruction::find: {
      const ListShape& shape = program_.lists[i.list];
      Inputs& inputs = job.memory.inputs(i.list);
      rows(shape.height, [&](int64_t t, int64_t row, int64_t end) {
        if (shape.form == ListShape::list) return kernels_.find(at(i.src, t), i.format, inputs.list(t), row, end);
        const SpikeMap map = inputs.map(t);
        kernels_.note({floats(i.src, t) + row * shape.width * shape.channels, shape.channels}, end - row, shape.width,
                      shape.channels, map.data + row * map.row(), map.row(), map.fours);
      });
      return;
    }
    case Instruction::group: {
      const Way way = way_of(i, program_.lists);
      if (way == Way::spikes) {
        Inputs& inputs = job.memory.inputs(i.list);
        rows(program_.lists[i.list].height, [&](int64_t t, int64_t row, int64_t end) {
          list_fours(inputs.map(t), inputs.fours(t), row, end);
        });
        if (progress != nullptr) ++progress;
      }
      const Blocks blocks = cut(i, way, steps, together_ ? static_cast<int64_t>(workspaces_.size()) : 1);
      GroupRun group(kernels_, i, blocks, way, job.bases, job.memory, workspaces_[thread]);
      parts(progress, thread, blocks.count(), [&](int64_t k) { group.block(k, first, last); });
      return;
    }
    case Instruction::pool:
      rows(i.window.out_h, [&](int64_t t, int64_t row, int64_t end) {
        kernels_.pool({floats(i.src, t), i.window.in_c}, i.window, i.window.in_c, i.average, row, end,
                      floats(i.dst, t), i.window.in_c);
      });
      return;
    case Instruction::tile:
      rows(i.n / i.period, [&](int64_t t, int64_t row, int64_t end) {
        for (; row < end; ++row) {
          std::memmove(floats(i.dst, t) + row * i.period, at(i.src, t), i.period * sizeof(float));
        }
      });
      return;
    case Instruction::grouped_conv:
      rows(i.window.out_h, [&](int64_t t, int64_t row, int64_t end) {
        kernels_.grouped(floats(i.src, t), i.window, i.groups, i.packed.data(),
                         i.packed_bias.empty() ? nullptr : i.packed_bias.data(), row, end, floats(i.dst, t));
      });
      return;
    case Instruction::end: return;
  }
}

}  // namespace bidl
