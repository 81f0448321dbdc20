#include "group.h"

#include <algorithm>

namespace bidl {
namespace {
constexpr int64_t FLOAT = sizeof(float);
bool is_memory(const Operand& o) { return o.place != Place::temporary && o.place != Place::sums; }
int64_t moves(const Operand& o) { return o.repeat == Repeat::one ? 0 : -1; }
}  // namespace

bool fires(const Instruction& i) {
  const Group& g = i.body;
  if (i.weights < 0 || g.spikes < 0 || g.average || g.elements.size() != 1 || g.columns % PANEL != 0) return false;
  const Element& e = g.elements[0];
  if (e.op != Op::integrate_fire || e.src[0].place != Place::sums || e.src[1].place != Place::state) return false;
  if (e.dst[1].place != Place::state || e.dst[1].offset != e.src[1].offset) return false;
  const auto same = [](const Operand& a, const Operand& b) {
    return a.place == Place::temporary && b.place == Place::temporary && a.offset == b.offset;
  };
  const bool constants = std::all_of(e.src + 2, e.src + 6, [](const Operand& o) {
    return o.place == Place::constant && o.repeat != Repeat::full;
  });
  return constants && same(e.dst[0], g.pooled ? g.pool_src : g.spikes_src) && (!g.pooled || same(g.pool_dst, g.spikes_src));
}

void GroupRun::block(int64_t index, int64_t first, int64_t last) {
  row_ = index / blocks_.across * blocks_.rows;
  rows_ = std::min(blocks_.rows, (way_ == Way::none ? g_.width : g_.rows) - row_);
  const int64_t left = index % blocks_.across * blocks_.columns, right = std::min(left + blocks_.columns, g_.columns);
  for (int64_t t = first; t < last; t += blocks_.steps) {
    const int64_t steps = std::min(blocks_.steps, last - t);
    column_ = left;
    columns_ = right - left;
    switch (way_) {
      case Way::none: break;
      case Way::list:
        for (int64_t k = 0; k < steps; ++k) work_.lists[k] = memory_.inputs(i_.list).list(t + k);
        kernels_.sums_of_list(sums(steps), work_.lists.data());
        break;
      case Way::spikes:
        for (int64_t k = 0; k < steps; ++k) work_.fours[k] = memory_.inputs(i_.list).fours(t + k);
        kernels_.prepare_spikes(sums(steps), work_.fours.data(), work_.spikes);
        for (; column_ < right; column_ += PANEL) {
          columns_ = std::min(PANEL, right - column_);
          kernels_.sums_of_spikes(sums(steps), work_.spikes);
          use_sums(t, steps);
        }
        continue;
    }
    use_sums(t, steps);
  }
}

Sums GroupRun::sums(int64_t steps) const {
  const Window& w = i_.window;
  const Packed packed = {i_.packed.data(), i_.packed_bias.data(), w.k_h * w.k_w * FOUR * fours_of(w.in_c)};
  return {&w, packed, row_, rows_, column_, blocks_.pitch / PANEL, steps, work_.sums.data()};
}

/// What becomes of the sums of some columns.
void GroupRun::use_sums(int64_t first, int64_t steps) {
  for (int64_t k = 0; k < steps; ++k) {
    const float* of_step = work_.sums.data() + k * rows_ * blocks_.width * blocks_.pitch;
    if (fires_) {
      fire(first + k, of_step);
    } else {
      elements(first + k, of_step);
      tail(first + k, of_step);
    }
  }
}

/// Address of an operand's first number in this block.
uint8_t* GroupRun::at(const Operand& o, int64_t bytes, int64_t step, const float* sums) const {
  if (o.place == Place::sums) return reinterpret_cast<uint8_t*>(const_cast<float*>(sums));
  if (o.place == Place::temporary) return reinterpret_cast<uint8_t*>(work_.temporaries.data() + o.offset * work_.temporary);
  const int place = static_cast<int>(o.place);
  uint8_t* base = bases_.at[place] + step * bases_.strides[place] + o.offset;
  if (o.repeat == Repeat::one) return base;
  const int64_t pixel = o.repeat == Repeat::full ? row_ * blocks_.width : 0;
  return base + (pixel * g_.columns + column_) * bytes;
}

/// Bytes from pixel to pixel.
int64_t GroupRun::step_of(const Operand& o, int64_t bytes) const {
  if (!is_memory(o)) return blocks_.pitch * FLOAT;
  return o.repeat == Repeat::full ? g_.columns * bytes : 0;
}

void GroupRun::elements(int64_t step, const float* sums) {
  for (const Element& e : g_.elements) {
    Elements block;
    block.pixels = rows_ * blocks_.width;
    block.columns = columns_;
    for (int k = 0; k < results_of(e.op); ++k) {
      block.dst[k] = at(e.dst[k], result_bytes(e.op), step, sums);
      block.dst_step[k] = step_of(e.dst[k], result_bytes(e.op));
    }
    for (int k = 0; k < e.sources; ++k) {
      block.src[k] = at(e.src[k], source_bytes(e.op), step, sums);
      block.src_step[k] = step_of(e.src[k], source_bytes(e.op));
      block.moves[k] = moves(e.src[k]);
    }
    kernels_.element(e.op, block);
  }
}

namespace {
/// Where the spikes of a block begin in the map of the synapse that reads them: its fours lie as those of the group.
struct Target {
  uint8_t* spikes;
  int64_t row, step;
};
Target target(const Group& g, const SpikeMap& map, int64_t row, int64_t column) {
  const int64_t fours = fours_of(g.columns), line = g.width / g.pool_w * fours;
  return {map.data + row * line + column / FOUR, line, fours};
}
}  // namespace

void GroupRun::fire(int64_t step, const float* sums) {
  const Element& e = g_.elements[0];
  const Target to = target(g_, memory_.inputs(g_.spikes).map(step), row_ / g_.pool_h, column_);
  const auto number = [&](const Operand& o) { return reinterpret_cast<float*>(at(o, FLOAT, step, sums)); };
  Fire f;
  f.sums = sums;
  f.state = number(e.src[1]);
  f.sums_step = blocks_.pitch;
  f.state_step = g_.columns;
  f.theta = number(e.src[2]);
  f.v0 = number(e.src[3]);
  f.alpha = number(e.src[4]);
  f.beta = number(e.src[5]);
  for (int k = 0; k < 4; ++k) f.moves[k] = moves(e.src[2 + k]);
  f.rows = rows_;
  f.width = g_.width;
  f.columns = columns_;
  f.pool_h = g_.pool_h;
  f.pool_w = g_.pool_w;
  f.spikes = to.spikes;
  f.spikes_row = to.row;
  f.spikes_step = to.step;
  kernels_.fire(f);
}

void GroupRun::tail(int64_t step, const float* sums) {
  const auto image = [&](const Operand& o) {
    return Image{reinterpret_cast<const float*>(at(o, FLOAT, step, sums)), step_of(o, FLOAT) / FLOAT};
  };
  const int64_t rows = rows_ / g_.pool_h, width = g_.width / g_.pool_w, row = row_ / g_.pool_h;
  const auto pooled = [&](const Operand& o) {
    if (!is_memory(o)) return reinterpret_cast<float*>(at(o, FLOAT, step, sums));
    const int place = static_cast<int>(o.place);
    auto* base = reinterpret_cast<float*>(bases_.at[place] + step * bases_.strides[place] + o.offset);
    return base + row * width * g_.columns + column_;
  };
  if (g_.pooled) {
    const auto whole = [](int64_t n) { return static_cast<int32_t>(n); };
    const Window window = {whole(rows_), whole(g_.width), whole(columns_), whole(rows), whole(width), whole(columns_),
                           whole(g_.pool_h), whole(g_.pool_w), whole(g_.pool_h), whole(g_.pool_w), 0, 0};
    kernels_.pool(image(g_.pool_src), window, columns_, g_.average, 0, rows, pooled(g_.pool_dst),
                  step_of(g_.pool_dst, FLOAT) / FLOAT);
  }
  if (g_.spikes >= 0) {
    const Target to = target(g_, memory_.inputs(g_.spikes).map(step), row, column_);
    const Image from = g_.pooled ? Image{pooled(g_.spikes_src), step_of(g_.spikes_src, FLOAT) / FLOAT} : image(g_.spikes_src);
    kernels_.note(from, rows, width, columns_, to.spikes, to.row, to.step);
  }
}

}  // namespace bidl
