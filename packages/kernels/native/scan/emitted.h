// The vocabulary of emitted passes. Included once per instruction set by emitted sources, inside namespace
// bidl::BIDL_ISA.
#include "../cpu/vector.h"
#include "../cpu/math.h"

/// The last vector of a row, where it is not whole: out of the way of the loop, for the compiler's sake.
template <class Body>
__attribute__((noinline, cold)) void tail(int64_t i, int64_t j, Part part, Body body) {
  body(i, j, part);
}

/// Calls body(neuron, lane, part) for every vector of a row.
template <class Body>
inline void each(const BidlRows& rows, Body body) {
  for (int64_t first = 0; first < rows.n; first += rows.period) {
    const int64_t left = rows.n - first, lanes = left < rows.period ? left : rows.period;
    int64_t j = 0;
    for (; j + W <= lanes; j += W) body(first + j, j, Whole{});
    if (j < lanes) tail(first + j, j, Part{static_cast<int>(lanes - j)}, body);
  }
}

inline vf v_abs(vf x) { return (vf)((vi)x & INT32_MAX); }
inline vf v_relu(vf x) { return zero_or(~(x <= vf{}), x); }  // NaN stays NaN
inline vf v_sign(vf x) { return choose(x > vf{}, splat(1.0f), choose(x < vf{}, splat(-1.0f), x)); }
/// s·a + (1 - s)·b, exactly a or b where s is 1 or 0.
inline vf blend(vf s, vf a, vf b) {
  const vf mixed = s * a + (1.0f - s) * b;
  return choose(s == splat(1.0f), a, choose(s == vf{}, b, mixed));
}
