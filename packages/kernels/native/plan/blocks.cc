#include "blocks.h"

#include <algorithm>

#include "kernels.h"

namespace bidl {
namespace {
constexpr int64_t SUMS = 32 * 1024;   // floats of all sums of a block: a quarter of a small second-level cache
constexpr int64_t BLOCK = 8 * 1024;   // floats of a block of one step
constexpr int64_t PLAIN = 1024;       // the same without a synapse
constexpr int64_t USES = 24;          // sums for which a piece of the kernel is worth fetching

int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }
}  // namespace

Way way_of(const Instruction& i, const std::vector<ListShape>& lists, int64_t steps) {
  if (i.weights < 0) return Way::none;
  const bool spikes = lists[i.list].form == ListShape::spikes;
  return spikes && i.body.rows * i.body.width * steps >= TABLES_FROM ? Way::tables : Way::list;
}

Blocks cut(const Instruction& i, Way way, int64_t steps, int64_t threads) {
  const Group& g = i.body;
  Blocks b{};
  const int64_t all = way == Way::none ? g.width : g.rows, high = g.pooled ? g.pool_h : 1;
  b.width = way == Way::none ? 1 : g.width;
  b.columns = std::min(g.columns, way == Way::none ? PLAIN : way == Way::list ? 2 * PANEL : PANEL);
  b.pitch = way == Way::none ? b.columns : up(b.columns, PANEL);
  const int64_t row = b.width * b.pitch;
  switch (way) {
    case Way::none: b.rows = PLAIN / row; break;
    case Way::list: b.rows = parts(USES, b.width); break;
    case Way::tables: b.rows = std::min(BLOCK / row, SUMS / (row * steps)); break;
  }
  b.rows = std::min(all, up(std::max<int64_t>(b.rows, 1), high));
  b.across = parts(g.columns, b.columns);
  // Two blocks a thread at least, where there is something to cut.
  while (b.rows > high && parts(all, b.rows) * b.across < 2 * threads) b.rows = up(b.rows / 2, high);
  b.down = parts(all, b.rows);
  const int64_t fit = std::clamp<int64_t>(SUMS / b.floats(), 1, steps);
  b.steps = way == Way::tables ? fit : way == Way::list ? std::min(fit, parts(USES, b.rows * b.width)) : 1;
  return b;
}

}  // namespace bidl
