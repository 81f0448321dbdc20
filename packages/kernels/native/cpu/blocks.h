// Columns in blocks of whole vectors. Included once per instruction set, inside its namespace.

/// Calls body(column, n) for blocks of n vectors, n a constant: MOST as often as it goes, then half of that, and so on.
template <int MOST, class Body>
void each_block(int64_t columns, Body body) {
  int64_t column = 0;
  for (; columns - column >= MOST * W; column += MOST * W) body(column, std::integral_constant<int, MOST>{});
  if constexpr (MOST > 1) {
    if (column < columns) {
      each_block<MOST / 2>(columns - column, [&](int64_t at, auto n) { body(column + at, n); });
    }
  }
}
