// A network ready to run: weights packed, every buffer allocated. Holds no state of the network.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "../pool/team.h"
#include "group.h"
#include "kernels.h"
#include "memory.h"
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
  /// How many steps are best run at once.
  int64_t steps_at_once() const { return steps_; }

  /// Fills the state of `n` samples with its initial values.
  void reset(uint8_t* state, int64_t n) const;

  /// `steps` time steps of `n` samples, each with its own part of input, output and state; those of one step lie together.
  /// Layer by layer, each through many steps, which gives the same as step by step. Not to be called twice at the same
  /// time.
  void run(const uint8_t* input, uint8_t* output, uint8_t* state, int64_t n, int64_t steps);

 private:
  /// How far the threads are with the parts of one instruction: what is taken of each thread's share, what is done.
  struct alignas(64) Progress {
    static constexpr int64_t SHARES = 15;
    std::atomic<int32_t> taken[SHARES]{}, done{0};
    void reset() {
      for (auto& share : taken) share.store(0);
      done.store(0);
    }
  };
  /// One sample that threads work on.
  struct Job {
    Bases bases;
    SampleMemory& memory;
    Progress* progress;  // nullptr: one thread alone
  };
  void window(const uint8_t* input, uint8_t* output, uint8_t* state, int64_t n, int64_t steps);
  void sample(const Job& job, int64_t thread, int64_t steps);
  void instruction(const Instruction& i, const Job& job, Progress* progress, int64_t thread, int64_t first,
                   int64_t last);
  template <class Part>
  void parts(Progress* progress, int64_t thread, int64_t count, Part part);

  Program program_;
  const PlanKernels& kernels_;
  int64_t steps_;
  bool together_;  // several threads on one sample
  std::vector<SampleMemory> memories_;  // of samples that are computed at the same time
  std::vector<Workspace> workspaces_;   // of threads
  std::vector<Progress> progress_;
  std::unique_ptr<Team> team_;
};

}  // namespace bidl
