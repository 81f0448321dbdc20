#include "lists.h"

namespace bidl {
namespace {
constexpr int64_t SLACK = 32;  // entries that may be written or fetched before the first and beyond the last

int64_t capacity_of(const ListShape& s) { return int64_t{s.width} * s.channels + SLACK; }
SpikeMap shape_of(const ListShape& s, uint16_t* data) {
  return {data,  int64_t{s.height} + s.top + s.bottom, int64_t{s.width} + s.left + s.right, s.top, s.left, s.channels,
          fours_of(s.channels)};
}
}  // namespace

Inputs::Inputs(const ListShape& shape, int64_t steps, int64_t listed) : shape_(shape) {
  if (shape.form == ListShape::spikes) {
    spikes_.resize(steps * shape_of(shape, nullptr).size());
    steps = listed;
  }
  index_.resize(steps * shape.height * capacity_of(shape));
  value_.resize(steps * shape.height * capacity_of(shape));
  start_.resize(steps * shape.height * (int64_t{shape.width} + 1));
  ones_.resize(steps * shape.height);
}

NonZeros Inputs::list(int64_t step) {
  const int64_t row = step * shape_.height, capacity = capacity_of(shape_);
  return {index_.data() + row * capacity,
          value_.data() + row * capacity,
          start_.data() + row * (int64_t{shape_.width} + 1),
          ones_.data() + row,
          shape_.height,
          shape_.width,
          shape_.channels,
          capacity};
}

SpikeMap Inputs::map(int64_t step) {
  SpikeMap map = shape_of(shape_, spikes_.data());
  map.data += step * map.size();
  return map;
}

int64_t Inputs::step_bytes(const ListShape& shape) {
  return shape.form == ListShape::spikes ? 2 * shape_of(shape, nullptr).size()
                                         : shape.height * (8 * capacity_of(shape) + 4 * (int64_t{shape.width} + 1) + 1);
}

void unpack(const SpikeMap& map, const NonZeros& list, int64_t first, int64_t last) {
  for (int64_t y = first; y < last; ++y) {
    int64_t count = y * list.capacity + 1;
    int32_t* start = list.start + y * (list.width + 1);
    const uint16_t* fours = map.pixel(y, 0);
    for (int64_t k = 0, x = 0; x < list.width; ++x) {
      start[x] = static_cast<int32_t>(count);
      for (int64_t q = 0; q < map.fours; ++q, ++k) {
        for (int spikes = static_cast<int>(fours[k] / SPIKES); spikes != 0; spikes &= spikes - 1) {
          const int64_t place = FOUR * k + __builtin_ctz(spikes);
          list.value[count] = 1.0f;
          list.index[count++] = static_cast<int32_t>(2 * place + ((spikes & (spikes - 1)) == 0));
        }
      }
    }
    start[list.width] = static_cast<int32_t>(count);
    list.ones[y] = 1;
  }
}

}  // namespace bidl
