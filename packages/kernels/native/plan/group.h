// Runs one block of a group through several steps: sums, elements, and what becomes of the results.
#pragma once
#include "blocks.h"
#include "kernels.h"
#include "memory.h"

namespace bidl {

/// Where the values of one sample lie, of the first step; `strides` says by how many bytes they move on with a step.
struct Bases {
  uint8_t* at[PLACES];
  int64_t strides[PLACES];
};

/// Whether a group is one layer of spiking neurons, for which there is a kernel.
bool fires(const Instruction& instruction);

class GroupRun {
 public:
  GroupRun(const PlanKernels& kernels, const Instruction& instruction, const Blocks& blocks, Way way,
           const Bases& bases, SampleMemory& memory, Workspace& workspace)
      : kernels_(kernels), i_(instruction), g_(instruction.body), blocks_(blocks), way_(way), bases_(bases),
        memory_(memory), work_(workspace), fires_(fires(instruction)) {}

  /// Block `index` of steps [first, last).
  void block(int64_t index, int64_t first, int64_t last);

 private:
  Sums sums(int64_t steps) const;
  void use_sums(int64_t first, int64_t steps);
  void elements(int64_t step, const float* sums);
  void fire(int64_t step, const float* sums);
  void tail(int64_t step, const float* sums);
  uint8_t* at(const Operand& o, int64_t bytes, int64_t step, const float* sums) const;
  int64_t step_of(const Operand& o, int64_t bytes) const;

  const PlanKernels& kernels_;
  const Instruction& i_;
  const Group& g_;
  const Blocks& blocks_;
  const Way way_;
  const Bases& bases_;
  SampleMemory& memory_;
  Workspace& work_;
  const bool fires_;
  // of the block
  int64_t row_ = 0, rows_ = 0, column_ = 0, columns_ = 0;
};

}  // namespace bidl
