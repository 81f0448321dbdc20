// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Dense matrix products, either side transposed. The inner dimension goes in pieces: of each, the right side is packed into
// panels of columns once, for all threads, and blocks of rows that stay in the second-level cache pass over them. A sum
// takes its pieces in order, so it depends on nothing but the shape. Goto and van de Geijn 2008, "Anatomy of
// High-Performance Matrix Multiplication".
#include <algorithm>
#include <cstring>

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "product.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/gemm.h"
#include "turn.h"

constexpr int64_t DEEP = 512;             // of the inner dimension in a piece
constexpr int64_t SOME_ROWS = 16 * ROWS;  // of the left side in a block
constexpr int64_t WIDE = PANEL * W;       // columns of a panel
constexpr int64_t TASKS = 16;

/// Rows [first, first + here) of b [k, n], or of bᵀ for b [n, k], as panels: [panel][here][WIDE].
void pack_right(const float* b, bool transposed, int64_t k, int64_t n, int64_t first, int64_t here, float* into) {
  const Panels panels{n};
  parallel(panels.count(), [&](const Region& region) {
    int64_t begin, end;
    region.share(panels.count(), begin, end);
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t column = panel * WIDE, width = panels.vectors(panel) * W;
      float* to = into + column * here;
      if (transposed) turn(b + column * k + first, k, here, width, to);
      else {
        for (int64_t p = 0; p < here; ++p, to += width) std::copy_n(b + (first + p) * n + column, width, to);
      }
    }
  });
}

/// `rows` columns of `here` rows of a, `line` floats apart, in sets of ROWS: [set][here][ROWS].
void pack_left(const float* a, int64_t line, int64_t rows, int64_t here, float* into) {
  for (int64_t p = 0; p < here; ++p, a += line) {
    float* to = into + p * ROWS;
    int64_t row = 0;
    for (; row + ROWS <= rows; row += ROWS, to += ROWS * here) std::memcpy(to, a + row, ROWS * sizeof(float));
    if (row < rows) std::copy_n(a + row, rows - row, to);
  }
}

}  // namespace

void dense_product(const float* a, const float* b, Transposed which, int64_t m, int64_t k, int64_t n, float* y) {
  const bool left = which == Transposed::left;
  // Blocks of about the same number of rows, and of columns where there are few: enough of them to share among threads.
  const int64_t blocks = (m + SOME_ROWS - 1) / SOME_ROWS, block = (m + blocks * ROWS - 1) / (blocks * ROWS) * ROWS;
  const Panels panels{n};
  const int64_t parts = std::min(panels.count(), std::max<int64_t>(1, TASKS / blocks));
  Floats columns(std::min(DEEP, k) * n);
  for (int64_t first = 0; first < k; first += DEEP) {
    const int64_t here = std::min(DEEP, k - first);
    const bool add = first > 0;
    pack_right(b, which == Transposed::right, k, n, first, here, columns.data());
    parallel(blocks * parts, [&](const Region& region) {
      Floats packed(left ? block * here : 0);
      int64_t begin, end;
      region.share(blocks * parts, begin, end);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t row = task / parts * block, rows = std::min(block, m - row), part = task % parts;
        if (left) pack_left(a + first * m + row, m, rows, here, packed.data());
        const int64_t last = panels.count() * (part + 1) / parts;
        for (int64_t panel = panels.count() * part / parts; panel < last; ++panel) {
          const int64_t vectors = panels.vectors(panel);
          const float* packed_panel = columns.data() + panel * WIDE * here;
          float* to = y + row * n + panel * WIDE;
          if (!left) {
            panel_product(vectors, rows, a + row * k + first, k, 1, packed_panel, here, to, n, add);
            continue;
          }
          for (int64_t set = 0; set < rows; set += ROWS) {
            panel_product(vectors, std::min<int64_t>(ROWS, rows - set), &packed[set * here], 1, ROWS, packed_panel, here,
                          to + set * n, n, add);
          }
        }
      }
    });
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
