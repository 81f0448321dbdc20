// Sums of rows of a matrix that a list names. Included once per instruction set, inside its namespace.

constexpr int COLUMNS = 8;  // vectors of a row that are summed in registers

/// N vectors of y plus those rows of b that `index` names, `row` floats apart, times their values.
template <int N, bool ONES>
void add_rows(const int32_t* index, const float* value, int64_t count, const float* b, int64_t row, bool add, float* y) {
  vf sum[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) sum[n] = add ? load(y + n * W) : vf{};
  for (int64_t e = 0; e < count; ++e) {
    const float* from = b + index[e] * row;
    if constexpr (ONES) {
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[n] += load(from + n * W);
    } else {
      const vf x = splat(value[e]);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[n] += x * load(from + n * W);
    }
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) store(y + n * W, sum[n]);
}

template <int N>
void add_rows(const int32_t* index, const float* value, int64_t count, bool ones, const float* b, int64_t row, bool add, float* y) {
  if (ones) add_rows<N, true>(index, value, count, b, row, add, y);
  else add_rows<N, false>(index, value, count, b, row, add, y);
}
