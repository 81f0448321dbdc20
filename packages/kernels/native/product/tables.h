// Sums that are looked up. Four inputs that are 0 or 1 have 16 sums with their weights; with those in a table, a byte that
// holds the four inputs stands for their part of a sum, and one addition does for four. Included once per instruction set,
// inside its namespace.

constexpr int64_t WIDTH = 32;  // outputs that are summed in registers
constexpr int MOST = WIDTH / W;
constexpr int64_t TOGETHER = 8;  // tables that share the first-level cache with the sums
constexpr int64_t ENTRIES = 16;

/// The sums of every subset of `count` rows of N vectors, `stride` floats apart.
template <int N>
inline void subset_sums(const float* rows, int64_t stride, int64_t count, float* table) {
  for (int n = 0; n < N; ++n) {
    vf sum[ENTRIES];
    sum[0] = vf{};
#pragma GCC unroll 4
    for (int b = 0; b < 4; ++b) {
      const vf row = b < count ? load(rows + b * stride + n * W) : vf{};
#pragma GCC unroll 8
      for (int m = 0; m < 1 << b; ++m) sum[(1 << b) + m] = sum[m] + row;
    }
#pragma GCC unroll 16
    for (int m = 0; m < ENTRIES; ++m) store(table + (m * N + n) * W, sum[m]);
  }
}

/// N vectors (+)= an entry of each of COUNT tables of SIZE entries side by side: which(table) names it.
template <int N, int64_t COUNT, int64_t SIZE, class Which>
__attribute__((always_inline)) inline void add_named(const float* tables, Which which, bool add, float* y) {
  vf sum[N];
#pragma GCC unroll 9
  for (int64_t table = 0; table < COUNT; ++table) {
    const float* entry = tables + (table * SIZE + which(table)) * (N * W);
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[n] = table == 0 ? load(entry + n * W) : sum[n] + load(entry + n * W);
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) store(y + n * W, add ? load(y + n * W) + sum[n] : sum[n]);
}

/// The same of the tables that lie together, with names that lie together.
template <int N>
inline void add_entries(const float* tables, const uint8_t* names, bool add, float* y) {
  add_named<N, TOGETHER, ENTRIES>(tables, [=](int64_t table) { return names[table]; }, add, y);
}

/// Calls body(begin, end, other) for every thread's share of `count`, of so many threads as `tasks` ask for; true where
/// none of them has set `other`.
template <class Body>
bool only_spikes(int64_t tasks, int64_t count, Body body) {
  std::atomic<bool> others{false};
  parallel(tasks, [&](const Region& region) {
    int64_t begin, end;
    region.share(count, begin, end);
    bool other = false;
    body(begin, end, other);
    if (other) others = true;
  });
  return !others;
}

typedef uint8_t bytes __attribute__((vector_size(W)));

/// 1 where x[0, n) is not zero, else 0; n is whole vectors. Sets `other` where a value is neither 0 nor 1.
inline void to_bits(const float* x, int64_t n, uint8_t* bits, bool& other) {
  vi odd{};
  for (int64_t i = 0; i < n; i += W) {
    const vf v = load(x + i);
    const vi some = v != vf{};
    odd |= some & (v != splat(1.0f));
    const bytes b = __builtin_convertvector(some & 1, bytes);
    __builtin_memcpy(bits + i, &b, sizeof b);
  }
  for (int lane = 0; lane < W; ++lane) other |= odd[lane] != 0;
}
