// Transcendental functions on vectors. They compute in double precision with a relative error below 1e-15 and round
// once, so a result is the float32 that is nearest to the true value but for about one argument in 10^7, which lies in
// the middle between two. The reference interpreter rounds the same way: fused kernels give its spikes.
// Included once per instruction set, inside its namespace, after vector.h.
typedef float vh __attribute__((vector_size(BIDL_WIDTH * 2)));    // half a vector of floats
typedef double vd __attribute__((vector_size(BIDL_WIDTH * 4)));   // as many doubles
typedef int64_t vl __attribute__((vector_size(BIDL_WIDTH * 4)));

inline vd splat_d(double x) { return x - vd{}; }
inline vd magnitude(vd x) { return (vd)((vl)x & INT64_MAX); }
/// The sign of `sign` on the non-negative x.
inline vd with_sign(vd x, vd sign) { return (vd)((vl)x | ((vl)sign & INT64_MIN)); }

/// Applies a function of doubles.
template <class F>
inline vf in_double(vf x, F f) {
  vh half[2];
  __builtin_memcpy(half, &x, sizeof x);
  for (vh& h : half) h = __builtin_convertvector(f(__builtin_convertvector(h, vd)), vh);
  __builtin_memcpy(&x, half, sizeof x);
  return x;
}

/// The polynomial with these coefficients, highest power first.
template <int N>
inline vd polynomial(vd x, const double (&c)[N]) {
  vd sum = splat_d(c[0]);
  for (int i = 1; i < N; ++i) sum = sum * x + c[i];
  return sum;
}

/// e^x for x within the range of float32; beyond it, a number that float32 rounds to 0 or infinity.
inline vd exp_d(vd x) {
  const vd low = splat_d(-110.0), high = splat_d(90.0);
  x = x < low ? low : x;
  x = x > high ? high : x;
  // x = n·ln 2 + r, |r| <= ln 2 / 2. Adding 1.5·2^52 rounds to a whole number and leaves it in the low bits.
  const vd shifted = x * 1.4426950408889634 + 6755399441055744.0;
  const vd n = shifted - 6755399441055744.0;
  const vd r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  const double taylor[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                           1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2,     1.0,
                           1.0};
  const vd power = (vd)(((vl)shifted << 52) + (vl)splat_d(1.0));  // 2^n
  return polynomial(r, taylor) * power;
}

inline vd tanh_d(vd x) {
  const vd a = magnitude(x), t = exp_d(-2.0 * a);
  const double taylor[] = {62.0 / 2835, -17.0 / 315, 2.0 / 15, -1.0 / 3, 1.0};
  const vd near_zero = a * polynomial(a * a, taylor);  // where 1 - t would cancel
  return with_sign(a < splat_d(0.03125) ? near_zero : (1.0 - t) / (1.0 + t), x);
}

inline vd sqrt_d(vd x) {
  for (int i = 0; i < W / 2; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
}

inline vd atan_d(vd x) {
  // Arctan of x and of 1/x add up to π/2; halving the angle twice then leaves an argument below 0.2.
  const vd a = magnitude(x);
  const vl steep = a > splat_d(1.0);
  vd y = steep ? 1.0 / a : a;
  for (int i = 0; i < 2; ++i) y = y / (1.0 + sqrt_d(1.0 + y * y));
  const double taylor[] = {1.0 / 21, -1.0 / 19, 1.0 / 17, -1.0 / 15, 1.0 / 13, -1.0 / 11,
                           1.0 / 9,  -1.0 / 7,  1.0 / 5,  -1.0 / 3,  1.0};
  const vd angle = 4.0 * (y * polynomial(y * y, taylor));
  return with_sign(steep ? 1.5707963267948966 - angle : angle, x);
}

inline vf v_exp(vf x) {
  return in_double(x, [](vd v) { return exp_d(v); });
}
inline vf v_tanh(vf x) {
  return in_double(x, [](vd v) { return tanh_d(v); });
}
inline vf v_sigmoid(vf x) {
  return in_double(x, [](vd v) { return 1.0 / (1.0 + exp_d(-v)); });
}
inline vf v_atan(vf x) {
  return in_double(x, [](vd v) { return atan_d(v); });
}
