// Vectors of BIDL_WIDTH floats through the compiler's own vector types, so that one source serves every
// instruction set. Included once per instruction set, inside its namespace (BIDL_ISA).
typedef float vf __attribute__((vector_size(BIDL_WIDTH * 4)));
typedef int32_t vi __attribute__((vector_size(BIDL_WIDTH * 4)));
constexpr int W = BIDL_WIDTH;

inline vf load(const float* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }
inline vf splat(float x) { return x - vf{}; }
inline vf choose(vi mask, vf a, vf b) { return mask ? a : b; }
inline vf zero_or(vi mask, vf a) { return (vf)((vi)a & mask); }
inline vf relu(vf x) { return zero_or(x > vf{}, x); }

/// Whole vectors.
struct Whole {
  vf get(const float* p) const { return load(p); }
  void put(float* p, vf v) const { store(p, v); }
  void add(float* p, vf v) const { store(p, load(p) + v); }
};
/// The first n lanes; the others read as 0 and are not written.
struct Part {
  int n;
  vf get(const float* p) const {
    vf v{};
    __builtin_memcpy(&v, p, n * sizeof(float));
    return v;
  }
  void put(float* p, vf v) const { __builtin_memcpy(p, &v, n * sizeof(float)); }
  void add(float* p, vf v) const { put(p, get(p) + v); }
};

/// Calls body(i, lanes) for i = 0, W, 2W ... below n. Local arrays are padded to whole vectors.
template <class Body>
inline void each(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + W <= n; i += W) body(i, Whole{});
  if (i < n) body(i, Part{static_cast<int>(n - i)});
}
