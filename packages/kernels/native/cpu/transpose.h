// Squares of W rows and W columns, turned in registers. Included once per instruction set, inside its namespace.

/// The first (HALF 0) or last lanes of a and b by turns: a0 b0 a1 b1 ...
template <int HALF, int... LANE>
inline vf interleave(vf a, vf b, std::integer_sequence<int, LANE...>) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, (HALF * W / 2 + LANE / 2 + LANE % 2 * W)...);
#else
  return __builtin_shuffle(a, b, vi{(HALF * W / 2 + LANE / 2 + LANE % 2 * W)...});
#endif
}

/// Turns a square: row i becomes column i.
inline void transpose(vf* rows) {
  constexpr std::make_integer_sequence<int, W> lanes{};
#pragma GCC unroll 4
  for (int width = 1; width < W; width *= 2) {
    vf next[W];
#pragma GCC unroll 16
    for (int i = 0; i < W / 2; ++i) {
      next[2 * i] = interleave<0>(rows[i], rows[W / 2 + i], lanes);
      next[2 * i + 1] = interleave<1>(rows[i], rows[W / 2 + i], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) rows[i] = next[i];
  }
}
