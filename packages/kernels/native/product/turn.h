// Rows turned into columns. Included once per instruction set, inside its namespace.

/// `width` rows, `here` values of each and `line` floats apart, turned: [here][width], `into_line` floats apart. Every value
/// gets to its place by enter(place, value).
template <class Enter>
inline void turn(const float* rows, int64_t line, int64_t here, int64_t width, float* into, int64_t into_line,
                 Enter enter) {
  constexpr int64_t SOME = 16;  // values of a row that are read at once
  for (int64_t from = 0; from < here; from += SOME) {
    const int64_t end = std::min(here, from + SOME);
    for (int64_t column = 0; column < width; ++column) {
      const float* row = rows + column * line;
      for (int64_t p = from; p < end; ++p) enter(into + p * into_line + column, row[p]);
    }
  }
}
