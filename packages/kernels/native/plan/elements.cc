// Compiled once per instruction set: element-wise operations on one block, and pooling. Every operation is rounded to
// float32 as the reference executor does it.
#include <cmath>

#include "half.h"
#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

inline const float* at(const Elements& e, int k) { return static_cast<const float*>(e.src[k]); }
inline float* to(const Elements& e, int k = 0) { return static_cast<float*>(e.dst[k]); }

template <class F>
void one(const Elements& e, F f) {
  const float* a = at(e, 0);
  float* r = to(e);
  each(e.n, [&](int64_t i, auto part) { part.put(r + i, f(part.get(a + i))); });
}
template <class F>
void two(const Elements& e, F f) {
  const float *a = at(e, 0), *b = at(e, 1);
  float* r = to(e);
  each(e.n, [&](int64_t i, auto part) { part.put(r + i, f(part.get(a + i), part.get(b + i))); });
}
/// Computed in double with the C library, then rounded.
template <class F>
void in_double(const Elements& e, F f) {
  const float* a = at(e, 0);
  float* r = to(e);
  for (int64_t i = 0; i < e.n; ++i) r[i] = static_cast<float>(f(static_cast<double>(a[i])));
}

inline vf spike(vi above) { return zero_or(above, splat(1.0f)); }

void blend(const Elements& e) {
  const float *s = at(e, 0), *a = at(e, 1), *b = at(e, 2);
  float* r = to(e);
  each(e.n, [&](int64_t i, auto part) {
    const vf p = part.get(s + i), x = part.get(a + i), y = part.get(b + i), one = splat(1.0f);
    const vf mixed = p * x + (one - p) * y;
    part.put(r + i, choose(p == one, x, choose(p == vf{}, y, mixed)));
  });
}

void affine(const Elements& e) {
  const float *x = at(e, 0), *scale = at(e, 1), *shift = at(e, 2);
  float* r = to(e);
  each(e.n, [&](int64_t i, auto part) {
    part.put(r + i, part.get(x + i) * part.get(scale + i) + part.get(shift + i));
  });
}

void reset_decay(const Elements& e) {
  const float *x = at(e, 0), *theta = at(e, 1), *v0 = at(e, 2), *alpha = at(e, 3), *beta = at(e, 4);
  float* r = to(e);
  each(e.n, [&](int64_t i, auto part) {
    const vf u = part.get(x + i), kept = choose(u > part.get(theta + i), part.get(v0 + i), u);
    part.put(r + i, part.get(alpha + i) * kept + part.get(beta + i));
  });
}

/// A whole spiking neuron: u = x + v, spike = u > theta, state = alpha * (spike ? v0 : u) + beta.
void integrate_fire(const Elements& e) {
  const float *x = at(e, 0), *v = at(e, 1), *theta = at(e, 2), *v0 = at(e, 3), *alpha = at(e, 4), *beta = at(e, 5);
  float *fired = to(e, 0), *state = to(e, 1);
  each(e.n, [&](int64_t i, auto part) {
    const vf u = part.get(x + i) + part.get(v + i);
    const vi above = u > part.get(theta + i);
    part.put(fired + i, spike(above));
    part.put(state + i, part.get(alpha + i) * choose(above, part.get(v0 + i), u) + part.get(beta + i));
  });
}
/// The same with one threshold and one reset potential, and alpha and beta by channel: little to read beside x and v.
void neuron(const Elements& e) {
  const float *x = at(e, 0), *v = at(e, 1), *alpha = at(e, 4), *beta = at(e, 5);
  const vf theta = splat(at(e, 2)[0]), v0 = splat(at(e, 3)[0]);
  float *fired = to(e, 0), *state = to(e, 1);
  for (int64_t first = 0; first < e.n; first += e.period) {
    each(e.period, [&](int64_t c, auto part) {
      const int64_t i = first + c;
      const vf u = part.get(x + i) + part.get(v + i);
      const vi above = u > theta;
      part.put(fired + i, spike(above));
      part.put(state + i, part.get(alpha + c) * choose(above, v0, u) + part.get(beta + c));
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
    case Op::blend: return blend(e);
    case Op::affine: return affine(e);
    case Op::reset_decay: return reset_decay(e);
    case Op::integrate_fire: return integrate_fire(e);
    case Op::neuron: return neuron(e);
    case Op::from_half: {
      const auto* half = static_cast<const uint16_t*>(e.src[0]);
      for (int64_t i = 0; i < e.n; ++i) to(e)[i] = from_half(half[i]);
      return;
    }
    case Op::to_half: {
      auto* half = static_cast<uint16_t*>(e.dst[0]);
      for (int64_t i = 0; i < e.n; ++i) half[i] = to_half(at(e, 0)[i]);
      return;
    }
    case Op::from_byte: {
      const auto* bytes = static_cast<const uint8_t*>(e.src[0]);
      for (int64_t i = 0; i < e.n; ++i) to(e)[i] = bytes[i];
      return;
    }
    case Op::count: return;
  }
}

void plan_pool(const float* src, const Window& g, bool average, int64_t row, int64_t last, float* dst) {
  const int64_t c = g.in_c, line = g.in_w * c;
  dst += row * g.out_w * c;
  for (int64_t oy = row; oy < last; ++oy) {
    const int64_t y = oy * g.stride_h - g.pad_h;
    const int64_t top = y < 0 ? 0 : y, bottom = y + g.k_h > g.in_h ? g.in_h : y + g.k_h;
    for (int64_t ox = 0; ox < g.out_w; ++ox, dst += c) {
      const int64_t x = ox * g.stride_w - g.pad_w;
      const int64_t left = x < 0 ? 0 : x, right = x + g.k_w > g.in_w ? g.in_w : x + g.k_w;
      const vf share = splat(static_cast<float>(1.0 / static_cast<double>((bottom - top) * (right - left))));
      each(c, [&](int64_t i, auto part) {
        vf all = splat(average ? 0.0f : -INFINITY);
        for (int64_t iy = top; iy < bottom; ++iy) {
          for (int64_t ix = left; ix < right; ++ix) {
            const vf here = part.get(src + iy * line + ix * c + i);
            all = average ? all + here : choose(here > all, here, all);
          }
        }
        part.put(dst + i, average ? all * share : all);
      });
    }
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
