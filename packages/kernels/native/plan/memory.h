// What a plan works in. Nothing of it outlives a step.
#pragma once
#include <vector>

#include "lists.h"
#include "program.h"
#include "spike_work.h"

namespace bidl {

/// Memory of one sample: values and inputs of synapses, for several steps.
class SampleMemory {
 public:
  SampleMemory(const Program& program, int64_t steps);

  uint8_t* arena(int64_t step) { return arena_.data() + step * arena_bytes_; }
  Inputs& inputs(int list) { return inputs_[list]; }
  /// Bytes of one step.
  static int64_t step_bytes(const Program& program);

 private:
  int64_t arena_bytes_;
  Aligned<uint8_t> arena_;
  std::vector<Inputs> inputs_;
};

/// Memory of one thread: one block of a group, over several steps.
struct alignas(128) Workspace {
  Floats sums, temporaries;
  SpikeWork spikes;
  std::vector<NonZeros> lists;  // by step
  std::vector<Fours> fours;
  int64_t temporary = 0;        // floats of one

  Workspace(const Program& program, int64_t steps, int64_t threads);
  int64_t bytes() const;
};

}  // namespace bidl
