// A network ready to run: weights packed, every buffer allocated. Holds no state of the network.
#pragma once
#include <memory>
#include <vector>

#include "../pool/team.h"
#include "kernels.h"
#include "program.h"

namespace bidl {

class Plan {
 public:
  /// @param weights kernels and biases that the program's synapses name, copied in packed form
  /// @param threads how many may work on a step
  /// @param samples how many samples a step may have to compute at the same time
  Plan(Program program, const float* weights, int64_t threads, int64_t samples);

  const Program& program() const { return program_; }
  /// Bytes of packed weights, constants and working memory.
  int64_t resident_bytes() const;

  /// Fills the state of `n` samples with its initial values.
  void reset(uint8_t* state, int64_t n) const;

  /// One time step of `n` samples, each with its own part of input, output and state. Not to be called twice at the
  /// same time.
  void step(const uint8_t* input, uint8_t* output, uint8_t* state, int64_t n);

 private:
  /// Memory for one sample: values, lists, and for each thread at work on it the temporaries of a block.
  struct Scratch {
    std::vector<uint8_t> memory;
    uint8_t* arena;
    uint8_t* temporaries;
    std::vector<std::vector<int32_t>> index, start;
    std::vector<std::vector<float>> value;
    std::vector<std::vector<uint8_t>> ones;
    std::vector<NonZeros> lists;
  };
  std::unique_ptr<Scratch> make_scratch(int64_t threads) const;
  void one_sample(const std::function<void(const Region&)>& work);
  void pack(Instruction& synapse, const float* weights) const;
  void sample(const uint8_t* input, uint8_t* output, uint8_t* state, Scratch& scratch, const Region& region) const;
  void group(const Instruction& i, uint8_t* const* bases, const Scratch& scratch, const Region& region) const;

  Program program_;
  const PlanKernels& kernels_;
  int64_t temporary_bytes_;                          // of one thread
  std::vector<std::unique_ptr<Scratch>> scratch_;  // one per sample at a time
  std::unique_ptr<Team> team_;                     // for one sample, where there is enough to do
  // Whether the team pays depends on what else the machine does, so both ways are timed now and then.
  int64_t steps_ = 0;
  double together_ = 0, alone_ = 0;  // seconds: the best of the last trials
};

}  // namespace bidl
