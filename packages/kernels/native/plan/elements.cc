// Compiled once per instruction set: element-wise operations on one block. Every operation is rounded to float32 as
// the reference executor does it.
#include <cmath>

#include "half.h"
#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

/// Calls f(pixel) for every pixel, with functions that give the k-th operand and take the k-th result.
struct Pixel {
  const Elements& e;
  int64_t pixel;
  const float* src(int k) const {
    return reinterpret_cast<const float*>(static_cast<const char*>(e.src[k]) + pixel * e.src_step[k]);
  }
  float* dst(int k) const { return reinterpret_cast<float*>(static_cast<char*>(e.dst[k]) + pixel * e.dst_step[k]); }
};

/// Runs f over vectors of operands 0 to N - 1; the result goes to dst 0.
template <int N, class F>
void map(const Elements& e, F f) {
  for (int64_t p = 0; p < e.pixels; ++p) {
    const Pixel pixel{e, p};
    const float* src[N];
    for (int k = 0; k < N; ++k) src[k] = pixel.src(k);
    float* dst = pixel.dst(0);
    each(e.columns, [&](int64_t i, auto part) {
      vf x[N];
      for (int k = 0; k < N; ++k) x[k] = part.get(src[k] + (i & e.moves[k]));
      part.put(dst + i, f(x));
    });
  }
}
template <class F>
void one(const Elements& e, F f) {
  map<1>(e, [&](const vf* x) { return f(x[0]); });
}
template <class F>
void two(const Elements& e, F f) {
  map<2>(e, [&](const vf* x) { return f(x[0], x[1]); });
}
/// One number at a time, whatever their formats.
template <class To, class From, class F>
void convert(const Elements& e, F f) {
  for (int64_t p = 0; p < e.pixels; ++p) {
    const auto* from = reinterpret_cast<const From*>(static_cast<const char*>(e.src[0]) + p * e.src_step[0]);
    auto* to = reinterpret_cast<To*>(static_cast<char*>(e.dst[0]) + p * e.dst_step[0]);
    for (int64_t i = 0; i < e.columns; ++i) to[i] = f(from[i & e.moves[0]]);
  }
}
/// Computed in double with the C library, then rounded.
template <class F>
void in_double(const Elements& e, F f) {
  convert<float, float>(e, [&](float x) { return static_cast<float>(f(static_cast<double>(x))); });
}

inline vf spike(vi above) { return zero_or(above, splat(1.0f)); }

inline vf blend(vf p, vf x, vf y) {
  const vf one = splat(1.0f), mixed = p * x + (one - p) * y;
  return choose(p == one, x, choose(p == vf{}, y, mixed));
}

inline vf decay(vi above, vf u, vf v0, vf alpha, vf beta) { return alpha * choose(above, v0, u) + beta; }

/// A whole spiking neuron: u = x + v, spike = u > theta, state = alpha * (spike ? v0 : u) + beta.
void integrate_fire(const Elements& e) {
  for (int64_t p = 0; p < e.pixels; ++p) {
    const Pixel pixel{e, p};
    const float* src[6];
    for (int k = 0; k < 6; ++k) src[k] = pixel.src(k);
    float *fired = pixel.dst(0), *state = pixel.dst(1);
    each(e.columns, [&](int64_t i, auto part) {
      vf x[6];
      for (int k = 0; k < 6; ++k) x[k] = part.get(src[k] + (i & e.moves[k]));
      const vf u = x[0] + x[1];
      const vi above = u > x[2];
      part.put(fired + i, spike(above));
      part.put(state + i, decay(above, u, x[3], x[4], x[5]));
    });
  }
}
}  // namespace

void plan_element(Op op, const Elements& e) {
  switch (op) {
    case Op::copy: return one(e, [](vf x) { return x; });
    case Op::add: return two(e, [](vf a, vf b) { return a + b; });
    case Op::sub: return two(e, [](vf a, vf b) { return a - b; });
    case Op::mul: return two(e, [](vf a, vf b) { return a * b; });
    case Op::div: return two(e, [](vf a, vf b) { return a / b; });
    case Op::neg: return one(e, [](vf x) { return -x; });
    case Op::abs: return one(e, [](vf x) { return (vf)((vi)x & 0x7fffffff); });
    case Op::relu: return one(e, [](vf x) { return zero_or(~(x <= vf{}), x); });  // NaN stays NaN
    case Op::sign:
      return one(e, [](vf x) { return choose(x > vf{}, splat(1.0f), choose(x < vf{}, splat(-1.0f), x)); });
    case Op::gt: return two(e, [](vf a, vf b) { return spike(a > b); });
    case Op::exp: return in_double(e, [](double x) { return std::exp(x); });
    case Op::tanh: return in_double(e, [](double x) { return std::tanh(x); });
    case Op::atan: return in_double(e, [](double x) { return std::atan(x); });
    case Op::sigmoid: return in_double(e, [](double x) { return 1.0 / (1.0 + std::exp(-x)); });
    case Op::blend: return map<3>(e, [](const vf* x) { return blend(x[0], x[1], x[2]); });
    case Op::affine: return map<3>(e, [](const vf* x) { return x[0] * x[1] + x[2]; });
    case Op::reset_decay:
      return map<5>(e, [](const vf* x) { return decay(x[0] > x[1], x[0], x[2], x[3], x[4]); });
    case Op::integrate_fire: return integrate_fire(e);
    case Op::from_half: return convert<float, uint16_t>(e, from_half);
    case Op::to_half: return convert<uint16_t, float>(e, to_half);
    case Op::from_byte: return convert<float, uint8_t>(e, [](uint8_t x) { return static_cast<float>(x); });
    case Op::count: return;
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
