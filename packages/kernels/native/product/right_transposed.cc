// Compiled once per instruction set, with fused multiply-add where it has it.
//
// a · bᵀ for an a that is mostly zero, as the gradient of a dense layer's input asks for behind a rectifier. Rows of b are
// turned into packed columns in pieces that stay in the second-level cache; the non-zeros of all rows of a pass over them.
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
#include "../cpu/nonzeros.h"
#include "add_rows.h"
#include "turn.h"

constexpr int64_t DEEP = 256;  // of the inner dimension in a piece

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

}  // namespace

void right_transposed_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y) {
  const int64_t blocks = (n / W + COLUMNS - 1) / COLUMNS;
  for (int64_t first = 0; first < k; first += DEEP) {
    const int64_t here = std::min(DEEP, k - first);
    const Lists lists(a, m, k, first, here);
    parallel(blocks, [&](const Region& region) {
      Floats turned(here * COLUMNS * W);
      int64_t begin, end;
      region.share(blocks, begin, end);
      const int64_t from = begin * COLUMNS * W, to = std::min(n, end * COLUMNS * W);
      each_block<COLUMNS>(to - from, [&](int64_t at, auto vectors) {
        constexpr int N = decltype(vectors)::value;
        const int64_t column = from + at;
        turn(b + column * k + first, k, here, N * W, turned.data(), N * W, [](float* to, float value) { *to = value; });
        for (int64_t row = 0; row < m; ++row) {
          const int32_t e = lists.start[row];
          add_rows<N>(&lists.index[e], &lists.value[e], lists.start[row + 1] - e, !lists.other, turned.data(), N * W,
                      first > 0, y + row * n + column);
        }
      });
    });
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
