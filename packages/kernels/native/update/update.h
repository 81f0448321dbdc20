// What an optimizer does to every element of its tensors: a short program, run in one pass over memory.
#pragma once
#include <cstdint>
#include <vector>

namespace bidl {

/// In the order of the recorder that writes programs (packages/engine/src/update/record.ts).
/// combine is c·a + d·b, select is a > 0 ? b : c.
enum class UpdateOp : int32_t { copy, add, sub, mul, div, max, min, sqrt, abs, sign, select, combine, count };

/// to = op(a, b, c, d). All are places, counted through: inputs, outputs, temporaries, numbers.
struct UpdateStep {
  UpdateOp op;
  int32_t to, a, b, c, d;
};

/// A straight line of steps.
struct UpdateProgram {
  static constexpr int MAX_TEMPORARIES = 16;
  static constexpr int32_t FRESH = -1;

  int32_t inputs = 0, outputs = 0, temporaries = 0, numbers = 0;
  /// Of every output: the input that it overwrites, or FRESH.
  std::vector<int32_t> homes;
  std::vector<UpdateStep> steps;

  int32_t first_number() const { return inputs + outputs + temporaries; }
  /// Outputs with memory of their own.
  int32_t fresh() const;

  /// Reads [inputs, outputs, temporaries, numbers, homes (plus 1)..., (op, to, a, b, c, d)...] and checks every word,
  /// so that no program reaches outside its arrays. Returns null, or what is wrong.
  static const char* parse(const std::vector<int64_t>& words, UpdateProgram& program);
};

/// One tensor's arrays, `size` floats each.
struct UpdateArrays {
  int64_t size;
  std::vector<const float*> inputs;
  std::vector<float*> outputs;
};

}  // namespace bidl
