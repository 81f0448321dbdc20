// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Dense matrix products, either side transposed. The inner dimension goes in pieces: of each, the right side is packed into
// panels of columns once, for all threads, and packed blocks of rows that stay in the second-level cache pass over them. A
// sum takes its pieces in order, so it depends on nothing but the shape. Goto and van de Geijn 2008, "Anatomy of
// High-Performance Matrix Multiplication".
//
// Products that are large every way take seven products of quarters in place of eight (Strassen 1969, "Gaussian Elimination
// is not Optimal"): sums of quarters are formed where sides are packed, and a result goes to all quarters that it is part of,
// so it needs no memory of its own (Huang et al. 2016, "Strassen's Algorithm Reloaded").
#include <algorithm>
#include <atomic>
#include <vector>

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "product.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/gemm.h"
#include "turn.h"

constexpr int64_t DEEP = 512;             // of the inner dimension in a piece, at most
constexpr int64_t SOME_ROWS = 16 * ROWS;  // of the left side in a block, at most
constexpr int64_t WIDE = PANEL * W;       // columns of a panel
constexpr int64_t TASKS = 4;              // at least, for each thread
constexpr int64_t LINE = 16;              // floats of a line of the cache
constexpr int64_t AHEAD = 16;             // rows that packing fetches before their turn
constexpr int64_t QUARTER = 1024;         // the least that a side of a quarter measures

/// A matrix that enters a sum, or that a result enters.
template <class T>
struct Term {
  T* at;
  int sign;  // 1: added, -1: subtracted, 0: it is the first, and set
};
/// Matrices of one shape, `line` floats between the rows of each: a side is their sum, and a result enters all of them.
template <class T>
struct Terms {
  int64_t line;
  std::vector<Term<T>> terms;
};
using Side = Terms<const float>;
using Result = Terms<float>;

struct Size {
  int64_t m, k, n;
};

typedef float two __attribute__((vector_size(8)));
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_places __attribute__((vector_size(16)));

template <class T>
T read(const float* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

/// Calls body(enter), where enter(to, value) lets a number, or a vector of them, into a sum.
template <class Body>
void entering(int sign, Body body) {
  const auto put = [](float* to, auto value) { __builtin_memcpy(to, &value, sizeof value); };
  if (sign == 0) body(put);
  else if (sign > 0) body([&](float* to, auto value) { put(to, read<decltype(value)>(to) + value); });
  else body([&](float* to, auto value) { put(to, read<decltype(value)>(to) - value); });
}

/// A thread's share of rows [first, first + here) of b [k, n], or of bᵀ for b [n, k], as panels: [panel][here][width].
void pack_panels(const Region& region, const Side& b, bool transposed, int64_t first, int64_t here, Panels panels,
                 float* into) {
  int64_t begin, end;
  region.share(transposed ? panels.count() : here, begin, end);
  if (transposed) {
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t column = panel * WIDE, width = panels.vectors(panel) * W;
      for (const auto& [at, sign] : b.terms) {
        entering(sign, [&, from = at](auto enter) {
          turn(from + column * b.line + first, b.line, here, width, into + column * here, width, enter);
        });
      }
    }
    return;
  }
  for (int64_t p = begin; p < end; ++p) {
    for (const auto& [at, sign] : b.terms) {
      entering(sign, [&, row = at + (first + p) * b.line](auto enter) {
        for (int64_t panel = 0; panel < panels.count(); ++panel) {
          const int64_t column = panel * WIDE, vectors = panels.vectors(panel);
          float* to = into + column * here + p * vectors * W;
          for (int64_t v = 0; v < vectors; ++v) enter(to + v * W, load(row + column + v * W));
        }
      });
    }
  }
}

/// ROWS rows of `here` values, `line` floats apart, turned: [here][ROWS].
template <class Enter>
void turn_set(const float* rows, int64_t line, int64_t here, float* into, Enter enter) {
  static_assert(ROWS == 6);
  int64_t p = 0;
  for (; p + 4 <= here; p += 4) {
    four row[ROWS];
    for (int64_t r = 0; r < ROWS; ++r) row[r] = read<four>(rows + r * line + p);
    four low[3], high[3];  // of two rows: the first two values in turn, and the last two
    for (int64_t r = 0; r < 3; ++r) {
      low[r] = __builtin_shuffle(row[2 * r], row[2 * r + 1], four_places{0, 4, 1, 5});
      high[r] = __builtin_shuffle(row[2 * r], row[2 * r + 1], four_places{2, 6, 3, 7});
    }
    float* to = into + p * ROWS;
    for (const four* of : {low, high}) {
      enter(to, __builtin_shuffle(of[0], of[1], four_places{0, 1, 4, 5}));
      enter(to + 4, __builtin_shuffle(of[2], of[0], four_places{0, 1, 6, 7}));
      enter(to + 8, __builtin_shuffle(of[1], of[2], four_places{2, 3, 6, 7}));
      to += 2 * ROWS;
    }
  }
  turn(rows + p, line, here - p, ROWS, into + p * ROWS, ROWS, enter);
}

/// `rows` rows of `here` columns of a, or of aᵀ, in sets of ROWS: [set][here][ROWS].
void pack_sets(const Side& a, bool transposed, int64_t row, int64_t rows, int64_t first, int64_t here, float* into) {
  const int64_t whole = rows / ROWS * ROWS, rest = rows - whole;
  for (const auto& [at, sign] : a.terms) {
    entering(sign, [&, from = at](auto enter) {
      if (!transposed) {
        const float* begin = from + row * a.line + first;
        for (int64_t set = 0; set < whole; set += ROWS) turn_set(begin + set * a.line, a.line, here, into + set * here, enter);
        return turn(begin + whole * a.line, a.line, here, rest, into + whole * here, ROWS, enter);
      }
      const float* values = from + first * a.line + row;
      for (int64_t p = 0; p < here; ++p, values += a.line) {
        for (int64_t i = 0; i < rows; i += LINE) __builtin_prefetch(values + AHEAD * a.line + i);
        float* to = into + p * ROWS;
        for (int64_t set = 0; set < whole; set += ROWS, to += ROWS * here) {
          enter(to, read<four>(values + set));
          enter(to + 4, read<two>(values + set + 4));
        }
        for (int64_t i = 0; i < rest; ++i) enter(to + i, values[whole + i]);
      }
    });
  }
}

/// `rows` rows of a packed set times a packed panel, into y from (row, column) on; `first`: nothing is there yet.
void multiply_tile(const float* set, int64_t rows, const float* panel, int64_t vectors, int64_t here, bool first,
                   const Result& y, int64_t row, int64_t column) {
  alignas(64) float tile[ROWS * WIDE];
  const auto row_of = [&](float* at, int64_t r) { return at + (row + r) * y.line + column; };
  for (const auto& [at, sign] : y.terms) {
    for (int64_t r = 0; r < rows; ++r) __builtin_prefetch(row_of(at, r), 1);
  }
  panel_product(vectors, rows, set, 1, ROWS, panel, here, tile, WIDE, false);
  for (const auto& [at, sign] : y.terms) {
    entering(sign == 0 && !first ? 1 : sign, [&, to = at](auto enter) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < vectors * W; i += W) enter(row_of(to, r) + i, load(tile + r * WIDE + i));
      }
    });
  }
}

void multiply(const Side& a, const Side& b, Transposed which, const Size& size, const Result& y) {
  const int64_t m = size.m, k = size.k;
  // Blocks of about the same number of rows, and of columns where there are few: enough of them to share among threads.
  const int64_t blocks = (m + SOME_ROWS - 1) / SOME_ROWS, block = (m + blocks * ROWS - 1) / (blocks * ROWS) * ROWS;
  const Panels panels{size.n};
  const int64_t parts = std::min(panels.count(), std::max<int64_t>(1, TASKS * thread_count() / blocks));
  const int64_t tasks = blocks * parts;
  const int64_t pieces = (k + DEEP - 1) / DEEP, deep = (k + pieces - 1) / pieces;
  // One piece is packed while others may still be at the one before.
  const Scratch packed_right[2] = {Scratch(deep * size.n), Scratch(pieces > 1 ? deep * size.n : 0)};
  std::vector<std::atomic<int64_t>> next(pieces);
  parallel(tasks, [&](const Region& region) {
    const Scratch sets(block * deep);
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const Scratch& columns = packed_right[piece % 2];
      const int64_t first = piece * deep, here = std::min(deep, k - first);
      pack_panels(region, b, which == Transposed::right, first, here, panels, columns.data());
      region.barrier.wait();
      for (int64_t task; (task = next[piece].fetch_add(1)) < tasks;) {
        const int64_t row = task / parts * block, rows = std::min(block, m - row), part = task % parts;
        pack_sets(a, which == Transposed::left, row, rows, first, here, sets.data());
        const int64_t last = panels.count() * (part + 1) / parts, ahead = here * ROWS / rows + 1;
        for (int64_t at = panels.count() * part / parts; at < last; ++at) {
          const float* panel = &columns[at * WIDE * here];
          for (int64_t set = 0; set < rows; set += ROWS) {
            // Beside a set, its part of the next panel is fetched.
            const float* soon = panel + (here + set / ROWS * ahead) * WIDE;
            for (int64_t p = 0; p < ahead; ++p) __builtin_prefetch(soon + p * WIDE, 0, 2);
            multiply_tile(&sets[set * here], std::min<int64_t>(ROWS, rows - set), panel, panels.vectors(at), here,
                          first == 0, y, row + set, at * WIDE);
          }
        }
      }
    }
  });
}

/// Strassen's seven products: with which sign each quarter, row by row, is in the left side, in the right side, and the
/// product in the result.
constexpr int STRASSEN[7][3][4] = {
    {{1, 0, 0, 1}, {1, 0, 0, 1}, {1, 0, 0, 1}},  {{0, 0, 1, 1}, {1, 0, 0, 0}, {0, 0, 1, -1}},
    {{1, 0, 0, 0}, {0, 1, 0, -1}, {0, 1, 0, 1}}, {{0, 0, 0, 1}, {-1, 0, 1, 0}, {1, 0, 1, 0}},
    {{1, 1, 0, 0}, {0, 0, 0, 1}, {-1, 1, 0, 0}}, {{-1, 0, 1, 0}, {1, 1, 0, 0}, {0, 0, 0, 1}},
    {{0, 1, 0, -1}, {0, 0, 1, 1}, {1, 0, 0, 0}},
};

/// The quarters of a matrix with these signs, the one to start with first; a quarter has this many rows and columns, or,
/// of a matrix that lies transposed, as many columns and rows.
template <class T>
Terms<T> quarters(T* matrix, int64_t line, bool transposed, int64_t rows, int64_t columns, const int (&signs)[4]) {
  Terms<T> found{line, {}};
  for (int sign : {1, -1}) {
    for (int i = 0; i < 4; ++i) {
      const int64_t down = i / 2 * rows, along = i % 2 * columns;
      if (signs[i] == sign) found.terms.push_back({matrix + (transposed ? along * line + down : down * line + along), sign});
    }
  }
  return found;
}

}  // namespace

void dense_product(const float* a, const float* b, Transposed which, int64_t m, int64_t k, int64_t n, float* y) {
  const bool left = which == Transposed::left, right = which == Transposed::right;
  const int64_t a_line = left ? m : k, b_line = right ? k : n;
  const Size half{m / 2, k / 2, n / 2};
  if (m % 2 != 0 || k % 2 != 0 || half.n % W != 0 || std::min({half.m, half.k, half.n}) < QUARTER) {
    return multiply({a_line, {{a, 0}}}, {b_line, {{b, 0}}}, which, {m, k, n}, {n, {{y, 0}}});
  }
  const auto start = [](Side side) {
    side.terms[0].sign = 0;
    return side;
  };
  std::vector<float*> begun;
  for (const auto& [of_a, of_b, of_y] : STRASSEN) {
    const Side from = start(quarters(a, a_line, left, half.m, half.k, of_a));
    const Side with = start(quarters(b, b_line, right, half.k, half.n, of_b));
    Result to = quarters(y, n, false, half.m, half.n, of_y);
    for (auto& [at, sign] : to.terms) {
      if (std::find(begun.begin(), begun.end(), at) != begun.end()) continue;
      begun.push_back(at);
      sign = 0;
    }
    multiply(from, with, which, half, to);
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
