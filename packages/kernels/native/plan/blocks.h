// How the work of a group is cut into blocks: small enough for the caches, enough of them for all threads. What is
// computed does not depend on it.
#pragma once
#include "program.h"

namespace bidl {

/// How a synapse gets its sums.
enum class Way { none, list, spikes };

struct Blocks {
  int64_t width;          // pixels in a row; 1 where a group has no rows
  int64_t rows, columns;  // of a block, at most
  int64_t pitch;          // floats from pixel to pixel of the columns that are computed together
  int64_t steps;          // whose sums are computed before the elements run
  int64_t down, across;   // blocks
  int64_t count() const { return down * across; }
  int64_t floats() const { return rows * width * pitch; }
};

Way way_of(const Instruction& instruction, const std::vector<ListShape>& lists);
Blocks cut(const Instruction& instruction, Way way, int64_t steps, int64_t threads);

}  // namespace bidl
