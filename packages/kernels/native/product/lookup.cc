// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Matrix products whose left side is all 0 or 1, as spikes are, however many of them: sums of four rows of the right side
// are looked up (tables.h). What is computed is exact in real arithmetic. A left side that turns out to hold other values
// goes the way of sparse ones, which takes any.
#include <algorithm>
#include <atomic>
#include <type_traits>
#include <vector>

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "product.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/blocks.h"
#include "tables.h"

constexpr int64_t CLOSE = 512;  // rows whose sums stay in the second-level cache

int64_t up_to(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

void product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);

void lookup_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y) {
  const int64_t fours = k / 4, per_row = up_to(fours, TOGETHER);
  std::vector<uint8_t> which(m * per_row);  // [TOGETHER of them][row]
  std::atomic<bool> others{false};
  parallel(m * k / 16384 + 1, [&](const Region& region) {
    int64_t begin, end;
    region.share(m, begin, end);
    std::vector<uint8_t> bits(k), row_fours(per_row);
    bool other = false;
    for (int64_t row = begin; row < end; ++row) {
      to_bits(a + row * k, k, bits.data(), other);
      pack_fours(bits.data(), k, row_fours.data());
      for (int64_t four = 0; four < per_row; four += TOGETHER) {
        std::copy_n(&row_fours[four], TOGETHER, &which[four * m + row * TOGETHER]);
      }
    }
    if (other) others = true;
  });
  if (others) return product(a, b, m, k, n, y);
  const int64_t blocks = (n + WIDTH - 1) / WIDTH, parts = (m + CLOSE - 1) / CLOSE, tasks = blocks * parts;
  parallel(tasks, [&](const Region& region) {
    const Scratch tables(TOGETHER * ENTRIES * WIDTH), sums(std::min(m, CLOSE) * WIDTH);
    for (int64_t task = region.thread; task < tasks; task += region.threads) {
      const int64_t first = task / blocks * m / parts, rows = (task / blocks + 1) * m / parts - first;
      const int64_t outputs = task % blocks * WIDTH;
      each_block<MOST>(std::min(WIDTH, n - outputs), [&](int64_t block, auto vectors) {
        constexpr int N = decltype(vectors)::value;
        const int64_t column = outputs + block;
        for (int64_t four = 0; four < fours; four += TOGETHER) {
          for (int64_t g = 0; g < TOGETHER; ++g) {
            const int64_t at = std::min(four + g, fours - 1);
            subset_sums<N>(b + at * 4 * n + column, n, four + g < fours ? 4 : 0, tables.data() + g * ENTRIES * N * W);
          }
          const uint8_t* entries = &which[four * m + first * TOGETHER];
          float* to = sums.data();
          for (int64_t row = 0; row < rows; ++row, entries += TOGETHER, to += N * W) {
            add_entries<N>(tables.data(), entries, four > 0, to);
          }
        }
        const float* from = sums.data();
        for (int64_t row = first; row < first + rows; ++row) {
          for (int i = 0; i < N * W; i += W, from += W) store(y + row * n + column + i, load(from));
        }
      });
    }
  });
}

bool lookup_fits(int64_t k, int64_t n) { return k % 16 == 0 && n % W == 0; }

}  // namespace BIDL_ISA
}  // namespace bidl
