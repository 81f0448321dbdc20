// Compiled once per instruction set; plain loops over plain arithmetic, which the compiler turns into vectors.
#include "update.h"

#include <algorithm>
#include <cmath>

#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {

/// Values that go through the program together: all places of a block stay in the first-level cache. No power of two,
/// for the blocks of large tensors begin at the same place of a page and would crowd the same lines of the cache.
constexpr int BLOCK = 384;

/// A block of values, or one number for all of them.
struct Operand {
  const float* at;
  bool number;
};

// ivdep: a result may take the very place of an operand, never a shifted one.
template <class F>
void each(float* to, const float* a, int n, F f) {
#pragma GCC ivdep
  for (int i = 0; i < n; ++i) to[i] = f(a[i]);
}

template <class F>
void each(float* to, const float* a, Operand b, int n, F f) {
  if (b.number) {
    const float y = *b.at;
    return each(to, a, n, [=](float x) { return f(x, y); });
  }
#pragma GCC ivdep
  for (int i = 0; i < n; ++i) to[i] = f(a[i], b.at[i]);
}

template <class F>
void each(float* to, const float* a, Operand b, Operand c, int n, F f) {
  if (c.number) {
    const float z = *c.at;
    return each(to, a, b, n, [=](float x, float y) { return f(x, y, z); });
  }
  if (b.number) {
    const float y = *b.at;
    return each(to, a, c, n, [=](float x, float z) { return f(x, y, z); });
  }
#pragma GCC ivdep
  for (int i = 0; i < n; ++i) to[i] = f(a[i], b.at[i], c.at[i]);
}

void execute(UpdateOp op, float* to, const float* a, Operand b, Operand c, Operand d, int n) {
  switch (op) {
    case UpdateOp::copy: return each(to, a, n, [](float x) { return x; });
    case UpdateOp::add: return each(to, a, b, n, [](float x, float y) { return x + y; });
    case UpdateOp::sub: return each(to, a, b, n, [](float x, float y) { return x - y; });
    case UpdateOp::mul: return each(to, a, b, n, [](float x, float y) { return x * y; });
    case UpdateOp::div: return each(to, a, b, n, [](float x, float y) { return x / y; });
    // a NaN on either side stays one
    case UpdateOp::max: return each(to, a, b, n, [](float x, float y) { return x > y || x != x ? x : y; });
    case UpdateOp::min: return each(to, a, b, n, [](float x, float y) { return x < y || x != x ? x : y; });
    case UpdateOp::sqrt: return each(to, a, n, [](float x) { return std::sqrt(x); });
    case UpdateOp::abs: return each(to, a, n, [](float x) { return std::fabs(x); });
    case UpdateOp::sign: return each(to, a, n, [](float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; });
    case UpdateOp::select:
      return each(to, a, b, c, n, [](float x, float y, float z) { return x > 0.0f ? y : z; });
    case UpdateOp::combine: {
      const float s = *c.at, t = *d.at;
      return each(to, a, b, n, [=](float x, float y) { return x * s + y * t; });
    }
    case UpdateOp::count: return;
  }
}

}  // namespace

void update(const UpdateProgram& program, const float* numbers, const std::vector<UpdateArrays>& tensors) {
  int64_t total = 0;
  for (const UpdateArrays& tensor : tensors) total += tensor.size;
  const int writable = program.inputs + program.outputs;
  parallel(total / 32768 + 1, [&](const Region& region) {
    int64_t first, last, begin = 0;
    region.share(total, first, last);
    alignas(64) float temporaries[UpdateProgram::MAX_TEMPORARIES][BLOCK];
    for (const UpdateArrays& tensor : tensors) {
      const int64_t end = std::min(last - begin, tensor.size);
      for (int64_t i = std::max<int64_t>(first - begin, 0); i < end; i += BLOCK) {
        const int n = static_cast<int>(std::min<int64_t>(BLOCK, end - i));
        const auto array = [&](int place) {
          return place < writable ? tensor.outputs[place - program.inputs] + i : temporaries[place - writable];
        };
        const auto operand = [&](int place) -> Operand {
          if (place < program.inputs) return {tensor.inputs[place] + i, false};
          if (place < program.first_number()) return {array(place), false};
          return {numbers + (place - program.first_number()), true};
        };
        for (const UpdateStep& step : program.steps) {
          execute(step.op, array(step.to), operand(step.a).at, operand(step.b), operand(step.c), operand(step.d), n);
        }
      }
      begin += tensor.size;
    }
  });
}

}  // namespace BIDL_ISA
}  // namespace bidl
