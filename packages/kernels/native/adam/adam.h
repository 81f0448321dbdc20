// One step of Adam over a tensor, in one pass over memory.
#pragma once
#include <cstdint>

namespace bidl {

/// g = grad + decay·p,  m = beta1·m + (1 − beta1)·g,  v = beta2·v + (1 − beta2)·g²,
/// p = p − rate·m / (√v + epsilon), with both bias corrections folded into rate and epsilon.
struct AdamStep {
  float beta1, rest1, beta2, rest2;  // rest = 1 − beta, rounded once
  float rate, epsilon, decay;
};

}  // namespace bidl
