#include "lists.h"

#include <cstring>

namespace bidl {
namespace {
constexpr int64_t SLACK = 32;  // entries that may be written or fetched before the first and beyond the last
constexpr int64_t WORD = 8;    // bytes that are looked at together

int64_t row_of(const ListShape& s) { return s.width * fours_of(s.channels); }
}  // namespace

int64_t Inputs::row_entries(const ListShape& s) {
  return SLACK + (s.form == ListShape::spikes ? row_of(s) : int64_t{s.width} * s.channels);
}

Inputs::Inputs(const ListShape& shape, int64_t steps) : shape_(shape) {
  const int64_t rows = steps * shape.height;
  start_.resize(rows * (int64_t{shape.width} + 1));
  if (shape.form == ListShape::spikes) {
    spikes_.resize(rows * row_of(shape) + WORD);
    entry_.resize(rows * row_entries(shape));
  } else {
    index_.resize(rows * row_entries(shape));
    value_.resize(rows * row_entries(shape));
    ones_.resize(rows);
  }
}

NonZeros Inputs::list(int64_t step) {
  const int64_t row = step * shape_.height, width = shape_.width;
  return {index_.data() + row * row_entries(shape_), value_.data() + row * row_entries(shape_), start_.data() + row * (width + 1),
          ones_.data() + row, shape_.height, width, shape_.channels, row_entries(shape_)};
}

SpikeMap Inputs::map(int64_t step) {
  return {spikes_.data() + step * shape_.height * row_of(shape_), shape_.height, shape_.width,
          fours_of(shape_.channels)};
}

Fours Inputs::fours(int64_t step) {
  const int64_t row = step * shape_.height, width = shape_.width;
  return {entry_.data() + row * row_entries(shape_), start_.data() + row * (width + 1), shape_.height, width,
          row_entries(shape_)};
}

int64_t Inputs::step_bytes(const ListShape& shape) {
  const int64_t starts = 4 * (int64_t{shape.width} + 1), entries = row_entries(shape);
  return shape.height * (starts + (shape.form == ListShape::spikes ? row_of(shape) + 4 * entries : 8 * entries + 1));
}

namespace {
/// By which of eight bytes are not zero: where these are, one after the other, and how many.
struct Positions {
  uint8_t at[256][WORD], count[256];
  constexpr Positions() : at{}, count{} {
    for (int some = 0; some < 256; ++some) {
      for (int bit = 0; bit < WORD; ++bit) {
        if (some >> bit & 1) at[some][count[some]++] = static_cast<uint8_t>(bit);
      }
    }
  }
};
constexpr Positions POSITIONS;

/// Bit k: byte k, which is below 128, is not zero.
inline int some_of(uint64_t bytes) {
  const uint64_t high = (bytes + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101;
  return static_cast<int>(high * 0x0102040810204080 >> 56);
}
}  // namespace

void list_fours(const SpikeMap& map, const Fours& list, int64_t first, int64_t last) {
  for (int64_t y = first; y < last; ++y) {
    const uint8_t* spikes = map.data + y * map.row();
    int32_t count = static_cast<int32_t>(y * list.capacity);
    int32_t* start = list.start + y * (list.width + 1);
    for (int64_t x = 0; x < list.width; ++x, spikes += map.fours) {
      start[x] = count;
      for (int64_t f = 0; f < map.fours; f += WORD) {
        uint64_t word;
        std::memcpy(&word, spikes + f, WORD);  // may reach into the next pixel
        if (map.fours - f < WORD) word &= (uint64_t{1} << 8 * (map.fours - f)) - 1;
        const int some = some_of(word);
        const uint8_t* at = POSITIONS.at[some];
        // Eight are written, those that count are kept: no branch to mispredict.
        for (int k = 0; k < WORD; ++k) {
          list.entry[count + k] =
              static_cast<uint32_t>(x << 16 | (f + at[k]) << 4) | static_cast<uint32_t>(word >> 8 * at[k] & 15);
        }
        count += POSITIONS.count[some];
      }
    }
    start[list.width] = count;
  }
}

}  // namespace bidl
