// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Matrix products whose left side is all 0 or 1, as spikes are, however many of them: sums of four rows of the right side
// are looked up (tables.h). What is computed is exact in real arithmetic. A left side that turns out to hold other values
// goes the way of sparse ones, which takes any.
#include <algorithm>
#include <atomic>
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
#include "tables.h"
#include "eights.h"

constexpr int64_t CLOSE = 512;  // rows whose sums stay in the second-level cache

int64_t up_to(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/// The entries of m rows of k values of a, or of aᵀ: [TOGETHER fours of values][row][four]. `other` where a value is
/// neither 0 nor 1.
class Entries {
 public:
  Entries(const float* a, bool transposed, int64_t m, int64_t k) : m_(m), per_row_(up_to(k / 4, TOGETHER)), bytes_(m * per_row_) {
    other = !only_spikes(m * k / 16384 + 1, transposed ? k / 4 : m, [&](int64_t begin, int64_t end, bool& found) {
      transposed ? of_columns(a, begin, end, found) : of_rows(a, k, begin, end, found);
    });
  }
  const uint8_t* at(int64_t four, int64_t row) const { return &bytes_[four * m_ + row * TOGETHER]; }
  bool other;

 private:
  void of_rows(const float* a, int64_t k, int64_t begin, int64_t end, bool& found) {
    Eights eights;
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t i = 0; i < k; i += 8) {
        const uint8_t eight = eights.of(a + row * k + i);
        const int64_t four = i / 4;
        uint8_t* to = &bytes_[four / TOGETHER * TOGETHER * m_ + row * TOGETHER + four % TOGETHER];
        to[0] = eight & 15;
        to[1] = eight >> 4;
      }
    }
    found = eights.other();
  }

  void of_columns(const float* a, int64_t begin, int64_t end, bool& found) {
    std::vector<uint8_t> bits(4 * m_);
    for (int64_t four = begin; four < end; ++four) {
      for (int64_t i = 0; i < 4; ++i) to_bits(a + (four * 4 + i) * m_, m_, &bits[i * m_], found);
      const uint8_t *b0 = bits.data(), *b1 = b0 + m_, *b2 = b1 + m_, *b3 = b2 + m_;
      uint8_t* to = &bytes_[four / TOGETHER * TOGETHER * m_ + four % TOGETHER];
      for (int64_t row = 0; row < m_; ++row, to += TOGETHER) {
        *to = static_cast<uint8_t>(b0[row] | b1[row] << 1 | b2[row] << 2 | b3[row] << 3);
      }
    }
  }

  int64_t m_, per_row_;
  std::vector<uint8_t> bytes_;
};

}  // namespace

void product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);
void left_transposed_product(const float* a, const float* b, int64_t m, int64_t k, int64_t n, float* y);

void lookup_product(const float* a, const float* b, Transposed which, int64_t m, int64_t k, int64_t n, float* y) {
  const bool left = which == Transposed::left;
  const Entries entries(a, left, m, k);
  if (entries.other) return left ? left_transposed_product(a, b, k, m, n, y) : product(a, b, m, k, n, y);
  const int64_t fours = k / 4;
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
          const uint8_t* names = entries.at(four, first);
          float* to = sums.data();
          for (int64_t row = 0; row < rows; ++row, names += TOGETHER, to += N * W) {
            add_entries<N>(tables.data(), names, four > 0, to);
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

bool lookup_fits(Transposed which, int64_t m, int64_t k, int64_t n) {
  const int64_t line = which == Transposed::left ? m : k;  // of a, read in whole vectors
  return which != Transposed::right && line % 16 == 0 && k % 4 == 0 && n % W == 0;
}

}  // namespace BIDL_ISA
}  // namespace bidl
