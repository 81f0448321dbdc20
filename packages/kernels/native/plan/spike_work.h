// Working memory of the sums over spikes; see from_spikes.cc.
#pragma once
#include <cstdint>
#include <vector>

#include "aligned.h"

namespace bidl {

/// What one sum takes from a piece of the kernel: `count` entries from `entry` on, whose slots begin `shift` bytes from
/// the first.
struct Run {
  uint32_t entry;
  int32_t shift;
  uint32_t sum;  // floats
  uint32_t count;
};

/// One sum of weights that some four of spikes stand for: a sum that was made before, and the row that is added to it.
struct Combination {
  uint32_t before, row;
};

/// Some pixels of a row of the kernel, with what all panels need to know of them.
struct Piece {
  int64_t top, left, right;
  int64_t row;                        // of the weights where its combinations begin
  int64_t repeats, rows;              // over how many pixels they repeat, and the rows of weights of each
  int64_t combinations, count;        // the first of them, how many
  int64_t run, runs;                  // the same
};

struct SpikeWork {
  Aligned<uint32_t> entry;      // of the lists, as bytes to the slot of the sum they stand for
  std::vector<uint16_t> used;   // by place: which of the sixteen sums something needs
  std::vector<uint32_t> slot;   // by place and spikes: where that sum lies
  std::vector<Combination> combinations;
  std::vector<Run> runs;
  std::vector<Piece> pieces;
  std::vector<uint32_t> counts;  // of runs that are shorter than each length
  std::vector<uint32_t> left, right;  // by output pixel: the part of the row under its window
  std::vector<int32_t> shift;         // and the way to its slots
  std::vector<int32_t> nothing;       // a row without fours
  Floats table;
};

}  // namespace bidl
