// Working memory of the sums over spikes; see from_spikes.cc.
#pragma once
#include <cstdint>
#include <vector>

#include "../cpu/aligned.h"

namespace bidl {

/// What one sum takes from a row under a piece of the kernel: `count` entries from `entry` on, whose slots begin `shift`
/// bytes from the first. The sum is `sum` floats from the first of its row.
struct Run {
  uint32_t entry;
  int32_t shift;
  uint32_t sum, count;
};

/// The runs of one input row by rising count; the first `nothing` of them take nothing.
struct Runs {
  int64_t first, nothing, all;
};

/// One sum of weights that some four of spikes stand for: a sum that was made before (bytes to its slot), and the row
/// that is added to it (floats).
struct Combination {
  uint32_t before, row;
};

/// Some pixels of a row of the kernel: the combinations that they need, for `repeats` pixels the same ones, and where their
/// weights begin.
struct Piece {
  int64_t first, count, repeats, weights;
};

struct SpikeWork {
  Aligned<uint32_t> entry;     // of the lists, as bytes to the slot of the sum they stand for
  std::vector<uint16_t> used;  // by place: which of the sixteen sums something needs
  std::vector<uint32_t> slot;  // by place and spikes: where that sum lies
  std::vector<Combination> combinations;
  std::vector<Piece> pieces;   // by row of the kernel and part of it
  std::vector<Runs> rows;      // by input row and part of a row of the kernel
  std::vector<Run> runs;
  std::vector<uint32_t> counts;       // of runs that are shorter than each length
  std::vector<uint32_t> left, right;  // by output pixel: the part of the row under its window
  std::vector<int32_t> shift;         // and the way to its slots
  Floats table;
};

}  // namespace bidl
