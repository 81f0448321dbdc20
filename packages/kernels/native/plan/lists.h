// The inputs of a synapse, in one of two forms. Both keep four neighbouring channels together, for their products are
// added up before they join a sum.
#pragma once
#include <cstdint>

#include "../cpu/aligned.h"
#include "program.h"

namespace bidl {

constexpr int64_t FOUR = 4;
inline int64_t fours_of(int64_t channels) { return (channels + FOUR - 1) / FOUR; }

/// The non-zero inputs, each row of the image on its own: row y has its entries in raster order from y * capacity + 1
/// on, and pixel x of it those in [start[x], start[x + 1]) where start begins at y * (width + 1). An entry is twice its
/// place within the row (channels filled up to whole fours), plus 1 where it is the last of its four. `ones[y]`: every
/// entry of the row is exactly 1.
struct NonZeros {
  int32_t* index;
  float* value;
  int32_t* start;
  uint8_t* ones;
  int64_t rows, width, channels, capacity;
};

/// Spikes, a byte for every four channels: bit k is set where channel k of the four fires.
struct SpikeMap {
  uint8_t* data;
  int64_t height, width, fours;  // fours of a pixel
  int64_t row() const { return width * fours; }
  int64_t size() const { return height * row(); }
};

/// The fours of a map in which something fires, row by row as in `NonZeros`, but from y * capacity on.
struct Fours {
  uint32_t* entry;
  int32_t* start;
  int64_t rows, width, capacity;

  static constexpr int64_t MOST_PIXELS = 1 << 16, MOST_FOURS = 1 << 12;  // of a row, of a pixel
  static uint32_t pixel(uint32_t entry) { return entry >> 16; }
  static uint32_t four(uint32_t entry) { return entry >> 4 & 0xfff; }
  static uint32_t spikes(uint32_t entry) { return entry & 15; }
};

/// Lists the fours of rows [first, last).
void list_fours(const SpikeMap& map, const Fours& list, int64_t first, int64_t last);

/// Memory for the inputs of one synapse, of several steps.
class Inputs {
 public:
  Inputs(const ListShape& shape, int64_t steps);
  NonZeros list(int64_t step);
  SpikeMap map(int64_t step);
  Fours fours(int64_t step);
  /// Entries for which a row has room.
  static int64_t row_entries(const ListShape& shape);
  /// Bytes that one step takes.
  static int64_t step_bytes(const ListShape& shape);

 private:
  const ListShape shape_;
  Aligned<int32_t> index_, start_;
  Floats value_;
  Aligned<uint8_t> ones_, spikes_;
  Aligned<uint32_t> entry_;
};

}  // namespace bidl
