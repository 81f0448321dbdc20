// The inputs of a synapse, in one of two forms. Both keep four neighbouring channels together, for their products are
// added up before they join a sum.
#pragma once
#include <cstdint>

#include "aligned.h"
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

/// Spikes, a number for every four of them: which of its four channels fire (bits 0 to 3), times SPIKES bytes. The border
/// around the image stays silent.
constexpr int64_t SPIKES = 64;
struct SpikeMap {
  uint16_t* data;
  int64_t height, width, top, left;  // of the image with its border; where the image begins
  int64_t channels, fours;           // of a pixel
  int64_t row() const { return width * fours; }
  int64_t size() const { return height * row(); }
  uint16_t* pixel(int64_t y, int64_t x) const { return data + (y + top) * row() + (x + left) * fours; }
};

/// Notes the spikes of rows [first, last) of an image as a list.
void unpack(const SpikeMap& map, const NonZeros& list, int64_t first, int64_t last);

/// Memory for the inputs of one synapse, of several steps.
class Inputs {
 public:
  /// @param listed steps for which spikes may be listed too
  Inputs(const ListShape& shape, int64_t steps, int64_t listed);
  NonZeros list(int64_t step);
  SpikeMap map(int64_t step);
  /// Bytes that one step takes.
  static int64_t step_bytes(const ListShape& shape);

 private:
  const ListShape shape_;
  Aligned<int32_t> index_, start_;
  Floats value_;
  Aligned<uint8_t> ones_;
  Aligned<uint16_t> spikes_;
};

}  // namespace bidl
