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

/// c[m][n] (+)= sum over all runs and their p of a[m·row + p·step] · b[p][n]: M rows, N vectors of columns. b is packed:
/// its rows follow one another.
template <int M, int N>
__attribute__((noinline)) void product(const float* a, int64_t row, int64_t step, const float* b, Runs runs, float* c, int64_t c_row,
                    bool add) {
  vf sum[M][N];
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) sum[m][n] = add ? load(c + m * c_row + n * W) : vf{};
  }
  for (int64_t r = 0; r < runs.count; ++r) {
    const Run& run = runs.first[r];
    const float *left = a + run.a, *right = b + run.b * N * W;
    for (int64_t p = 0; p < run.count; ++p, left += step, right += N * W) {
      vf columns[N];
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) columns[n] = load(right + n * W);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const vf x = splat(left[m * row]);
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) sum[m][n] += x * columns[n];
      }
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) store(c + m * c_row + n * W, sum[m][n]);
  }
}

/// Any number of rows, in pieces of ROWS and ROWS - 1 as far as that goes.
template <int N>
inline void products(int64_t rows, const float* a, int64_t row, int64_t step, const float* b, Runs runs, float* c,
                     int64_t c_row, bool add) {
  const int64_t pieces = (rows + ROWS - 1) / ROWS;
  for (int64_t i = 0, m = 0; i < pieces; ++i) {
    const int64_t here = (rows - m + pieces - i - 1) / (pieces - i);
    const float* at = a + m * row;
    float* to = c + m * c_row;
    switch (here) {
      case 1: product<1, N>(at, row, step, b, runs, to, c_row, add); break;
      case 2: product<2, N>(at, row, step, b, runs, to, c_row, add); break;
      case 3: product<3, N>(at, row, step, b, runs, to, c_row, add); break;
      case 4: product<4, N>(at, row, step, b, runs, to, c_row, add); break;
      case 5: product<5, N>(at, row, step, b, runs, to, c_row, add); break;
      default: product<6, N>(at, row, step, b, runs, to, c_row, add); break;
    }
    m += here;
  }
}

/// Any number of vectors of columns up to PANEL.
inline void panel_product(int64_t vectors, int64_t rows, const float* a, int64_t row, int64_t step, const float* b,
                          Runs runs, float* c, int64_t c_row, bool add) {
  switch (vectors) {
    case 1: products<1>(rows, a, row, step, b, runs, c, c_row, add); break;
#if BIDL_WIDTH == 16
    case 2: products<2>(rows, a, row, step, b, runs, c, c_row, add); break;
    case 3: products<3>(rows, a, row, step, b, runs, c, c_row, add); break;
#endif
    default: products<PANEL>(rows, a, row, step, b, runs, c, c_row, add); break;
  }
}

/// The same of a single run: `count` values from the start of every row.
inline void panel_product(int64_t vectors, int64_t rows, const float* a, int64_t row, int64_t step, const float* b,
                          int64_t count, float* c, int64_t c_row, bool add) {
  const Run all{0, 0, count};
  panel_product(vectors, rows, a, row, step, b, {&all, 1}, c, c_row, add);
}
