// A small matrix product in registers. Included once per instruction set, inside its namespace.

#if BIDL_WIDTH == 16
constexpr int PANEL = 4;  // vectors of a panel of columns: with ROWS of them the sums fill the registers
#else
constexpr int PANEL = 2;
#endif
constexpr int ROWS = 6;

/// Columns in panels of PANEL vectors, the last one smaller.
struct Panels {
  int64_t columns;
  int64_t count() const { return (columns + PANEL * W - 1) / (PANEL * W); }
  int64_t vectors(int64_t panel) const { return std::min<int64_t>(PANEL, columns / W - panel * PANEL); }
};

/// One of the products that are summed: `count` values of every row of a, from `a` on, and as many rows of b from row `b` on.
struct Run {
  int64_t a, b, count;
};
struct Runs {
  const Run* first;
  int64_t count;
};

/// Values that are summed in one chain: longer sums round less in pieces, as the errors of each stay with it.
constexpr int64_t SHORT = 128;

/// sum[m][n] += a[m·row + p·step] · b[p][n] over `count` of p.
template <int M, int N>
__attribute__((always_inline)) inline void accumulate(vf (&sum)[M][N], const float* a, int64_t row, int64_t step,
                                                      const float* b, int64_t count) {
  for (int64_t p = 0; p < count; ++p, a += step, b += N * W) {
    vf columns[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) columns[n] = load(b + n * W);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const vf x = splat(a[m * row]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[m][n] += x * columns[n];
    }
  }
}

/// c (+)= sum, which begins again.
template <int M, int N>
__attribute__((always_inline)) inline void flush(vf (&sum)[M][N], float* c, int64_t c_row, bool add) {
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      float* at = c + m * c_row + n * W;
      store(at, add ? load(at) + sum[m][n] : sum[m][n]);
      sum[m][n] = vf{};
    }
  }
}

/// c[m][n] (+)= sum over `count` of p of a[m·row + p·step] · b[p][n]: M rows, N vectors of columns. b is packed: its rows
/// follow one another.
template <int M, int N>
inline void product(const float* a, int64_t row, int64_t step, const float* b, int64_t count, float* c, int64_t c_row,
                    bool add) {
  vf sum[M][N] = {};
  do {
    const int64_t here = std::min(SHORT, count);
    accumulate<M, N>(sum, a, row, step, b, here);
    flush<M, N>(sum, c, c_row, add);
    a += here * step;
    b += here * N * W;
    count -= here;
    add = true;
  } while (count > 0);
}

/// The same summed over all runs. A function of its own, so that the distances of its rows stay in registers.
template <int M, int N>
__attribute__((noinline)) void product(const float* a, int64_t row, int64_t step, const float* b, Runs runs, float* c,
                                       int64_t c_row, bool add) {
  vf sum[M][N] = {};
  int64_t room = SHORT;
  for (int64_t r = 0; r < runs.count; ++r) {
    auto [left, right, count] = runs.first[r];
    do {
      if (room == 0) {
        flush<M, N>(sum, c, c_row, add);
        add = true;
        room = SHORT;
      }
      const int64_t here = std::min(room, count);
      accumulate<M, N>(sum, a + left, row, step, b + right * N * W, here);
      left += here * step;
      right += here;
      count -= here;
      room -= here;
    } while (count > 0);
  }
  flush<M, N>(sum, c, c_row, add);
}

/// Any number of rows, in pieces of ROWS and ROWS - 1 as far as that goes.
template <int N, class Count>
inline void products(int64_t rows, const float* a, int64_t row, int64_t step, const float* b, Count count, float* c,
                     int64_t c_row, bool add) {
  const int64_t pieces = (rows + ROWS - 1) / ROWS;
  for (int64_t i = 0, m = 0; i < pieces; ++i) {
    const int64_t here = (rows - m + pieces - i - 1) / (pieces - i);
    const float* at = a + m * row;
    float* to = c + m * c_row;
    switch (here) {
      case 1: product<1, N>(at, row, step, b, count, to, c_row, add); break;
      case 2: product<2, N>(at, row, step, b, count, to, c_row, add); break;
      case 3: product<3, N>(at, row, step, b, count, to, c_row, add); break;
      case 4: product<4, N>(at, row, step, b, count, to, c_row, add); break;
      case 5: product<5, N>(at, row, step, b, count, to, c_row, add); break;
      default: product<6, N>(at, row, step, b, count, to, c_row, add); break;
    }
    m += here;
  }
}

/// Any number of vectors of columns up to PANEL. The sums are over `count` values of each row, or over runs of them.
template <class Count>
inline void panel_product(int64_t vectors, int64_t rows, const float* a, int64_t row, int64_t step, const float* b,
                          Count count, float* c, int64_t c_row, bool add) {
  switch (vectors) {
    case 1: products<1>(rows, a, row, step, b, count, c, c_row, add); break;
#if BIDL_WIDTH == 16
    case 2: products<2>(rows, a, row, step, b, count, c, c_row, add); break;
    case 3: products<3>(rows, a, row, step, b, count, c, c_row, add); break;
#endif
    default: products<PANEL>(rows, a, row, step, b, count, c, c_row, add); break;
  }
}
