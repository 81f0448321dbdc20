// Compiled once per instruction set, with fused multiply-add where it has it.
//
// a · bᵀ, as the gradient of a dense layer's input asks for. Rows of b are turned into packed columns in pieces that stay in
// the second-level cache; all rows of a then pass over them, by their non-zeros or whole.
#include <algorithm>
#include <type_traits>
#include <vector>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "product.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "../cpu/gemm.h"
#include "../cpu/nonzeros.h"
#include "add_rows.h"

constexpr int64_t DEEP = 256;      // of the inner dimension in a piece
constexpr int64_t SOME_ROWS = 96;  // of a, which stay in the second-level cache beside the columns

/// The non-zeros of a [m, k]'s columns [first, first + here), row by row.
struct Lists {
  std::vector<int32_t> index, start;
  Floats value;
  bool other = false;  // some value is neither 0 nor 1

  Lists(const float* a, int64_t m, int64_t k, int64_t first, int64_t here) : start(m + 1, 0) {
    for (int64_t row = 0; row < m; ++row) {
      const int64_t at = start[row];
      if (index.size() < static_cast<size_t>(at + here + SPILL)) {
        index.resize(2 * (at + here + SPILL));
        value.resize(index.size());
      }
      start[row + 1] = static_cast<int32_t>(
          at + nonzeros(a + row * k + first, here, 0, index.data() + at, value.data() + at, other));
    }
  }
};

/// N·W rows, `here` values of each and `k` floats apart, turned: [here][N·W].
template <int N>
void turn(const float* rows, int64_t k, int64_t here, float* into) {
  constexpr int64_t LINE = 16;  // values of a row that are read at once
  for (int64_t from = 0; from < here; from += LINE) {
    const int64_t end = std::min(here, from + LINE);
    for (int64_t column = 0; column < N * W; ++column) {
      const float* row = rows + column * k;
      for (int64_t p = from; p < end; ++p) into[p * N * W + column] = row[p];
    }
  }
}

}  // namespace

void right_transposed_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, bool sparse, float* y) {
  const int64_t blocks = (n / W + COLUMNS - 1) / COLUMNS;
  for (int64_t first = 0; first < k; first += DEEP) {
    const int64_t here = std::min(DEEP, k - first);
    const Lists lists(a, sparse ? m : 0, k, first, here);
    parallel(blocks, [&](const Region& region) {
      Floats turned(here * COLUMNS * W);
      int64_t begin, end;
      region.share(blocks, begin, end);
      const int64_t from = begin * COLUMNS * W, to = std::min(n, end * COLUMNS * W);
      each_block<COLUMNS>(to - from, [&](int64_t at, auto vectors) {
        constexpr int N = decltype(vectors)::value, P = std::min(N, PANEL);
        const int64_t column = from + at;
        if (sparse) {
          turn<N>(b + column * k + first, k, here, turned.data());
          for (int64_t row = 0; row < m; ++row) {
            const int32_t e = lists.start[row];
            add_rows<N>(&lists.index[e], &lists.value[e], lists.start[row + 1] - e, !lists.other, turned.data(), N * W,
                        first > 0, y + row * n + column);
          }
          return;
        }
        for (int64_t j = 0; j < N; j += P) turn<P>(b + (column + j * W) * k + first, k, here, &turned[j * W * here]);
        for (int64_t row = 0; row < m; row += SOME_ROWS) {
          for (int64_t j = 0; j < N; j += P) {
            products<P>(std::min(SOME_ROWS, m - row), a + row * k + first, k, 1, &turned[j * W * here], here,
                        y + row * n + column + j * W, n, first > 0);
          }
        }
      });
    });
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
