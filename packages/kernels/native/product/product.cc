// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Rows of b are added up where a is not zero. What is left out are products with zero, so nothing is approximated.
// The inner dimension goes in pieces, so that the rows of b at hand stay in the second-level cache while all rows of a
// pass over them.
#include "product.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../cpu/aligned.h"
#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "../cpu/nonzeros.h"

#include "add_rows.h"

constexpr int64_t NEAR = int64_t{160} * 1024;   // bytes of b that stay in the second-level cache
constexpr int64_t MOST_ROWS = 512;              // of a in a piece of the transposed product
}  // namespace

void product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y) {
  const int64_t piece = std::max<int64_t>(8, NEAR / (n * static_cast<int64_t>(sizeof(float))) / 8 * 8);
  parallel(m, [&](const Region& region) {
    int64_t begin, end;
    region.share(m, begin, end);
    std::vector<int32_t> index(piece + SPILL);
    Floats value(piece + SPILL);
    for (int64_t first = 0; first < k; first += piece) {
      const int64_t here = std::min(piece, k - first);
      for (int64_t row = begin; row < end; ++row) {
        bool other = false;
        const int64_t count = nonzeros(a + row * k + first, here, 0, index.data(), value.data(), other);
        if (count == 0 && first > 0) continue;
        each_block<COLUMNS>(n, [&](int64_t column, auto vectors) {
          add_rows<decltype(vectors)::value>(index.data(), value.data(), count, !other, b + first * n + column, n, first > 0,
                                             y + row * n + column);
        });
      }
    }
  });
}

void left_transposed_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y) {
  constexpr int64_t PIECE = 64;  // columns of a whose lists are made at once
  const int64_t pieces = (k + PIECE - 1) / PIECE, most = std::min(m, MOST_ROWS);
  // b in blocks of columns, [block][row][column], so that what a block's sums read lies together.
  Floats packed(most * n);
  for (int64_t first = 0; first < m; first += most) {
    const int64_t rows = std::min(most, m - first);
    parallel(rows * n / 65536 + 1, [&](const Region& region) {
      int64_t begin, end;
      region.share(rows, begin, end);
      each_block<COLUMNS>(n, [&](int64_t column, auto vectors) {
        constexpr int64_t WIDTH = decltype(vectors)::value * W;
        float* to = &packed[column * rows];
        for (int64_t r = begin; r < end; ++r) {
          for (int64_t i = 0; i < WIDTH; i += W) store(to + r * WIDTH + i, load(b + (first + r) * n + column + i));
        }
      });
    });
    parallel(pieces, [&](const Region& region) {
      int64_t begin, end;
      region.share(pieces, begin, end);
      std::vector<int32_t> place(PIECE * rows), count(PIECE), index(PIECE + SPILL);
      Floats value(PIECE * rows), found(PIECE + SPILL);
      for (int64_t from = begin * PIECE; from < std::min(k, end * PIECE); from += PIECE) {
        const int64_t here = std::min(PIECE, k - from);
        std::fill(count.begin(), count.end(), 0);
        bool other = false;
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t some = nonzeros(a + (first + r) * k + from, here, 0, index.data(), found.data(), other);
          for (int64_t e = 0; e < some; ++e) {
            const int64_t to = index[e] * rows + count[index[e]]++;
            place[to] = static_cast<int32_t>(r);
            value[to] = found[e];
          }
        }
        each_block<COLUMNS>(n, [&](int64_t column, auto vectors) {
          constexpr int N = decltype(vectors)::value;
          for (int64_t i = 0; i < here; ++i) {
            add_rows<N>(&place[i * rows], &value[i * rows], count[i], !other, &packed[column * rows], N * W, first > 0,
                        y + (from + i) * n + column);
          }
        });
      }
    });
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
