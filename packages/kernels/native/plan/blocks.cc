#include "blocks.h"

#include <algorithm>

#include "kernels.h"

namespace bidl {
namespace {
constexpr int64_t SUMS = 32 * 1024;  // floats of sums that are computed together: a quarter of a small second-level cache
constexpr int64_t PLAIN = 1024;      // the same without a synapse
constexpr int64_t USES = 24;         // sums for which a piece of the kernel is worth fetching
constexpr int64_t RUNS = 800;        // sums for which combinations of its rows are worth making
constexpr int64_t EACH = 3;          // blocks of a thread, where there is something to cut

int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }
}  // namespace

Way way_of(const Instruction& i, const std::vector<ListShape>& lists) {
  if (i.weights < 0) return Way::none;
  return lists[i.list].form == ListShape::spikes ? Way::spikes : Way::list;
}

Blocks cut(const Instruction& i, Way way, int64_t steps, int64_t threads) {
  const Group& g = i.body;
  const int64_t all = way == Way::none ? g.width : g.rows, high = g.pooled ? g.pool_h : 1;
  const int64_t width = way == Way::none ? 1 : g.width, panels = parts(g.columns, PANEL);
  const auto whole = [&](int64_t rows) { return std::min(all, up(std::max<int64_t>(rows, 1), high)); };
  int64_t rows = 1, across = 1;  // panels
  switch (way) {
    case Way::none: {
      const int64_t columns = std::min(g.columns, PLAIN);
      rows = whole(PLAIN / columns);
      return {1, rows, columns, columns, 1, parts(all, rows), parts(g.columns, columns)};
    }
    case Way::list:
      rows = whole(parts(USES, width));
      across = std::min(panels, LIST_PANELS);
      break;
    case Way::spikes:
      rows = whole(parts(RUNS, width * steps));
      across = panels;
      break;
  }
  const auto count = [&] { return parts(all, rows) * parts(panels, across); };
  // Every block of a dense layer finds out anew what it needs: no more of them than threads.
  const int64_t some = all * width == 1 ? threads : EACH * threads;
  while (way == Way::spikes && across > 1 && count() < some) across = parts(across, 2);
  while (rows > high && count() < EACH * threads) rows = up(rows / 2, high);
  const int64_t pitch = way == Way::spikes ? PANEL : across * PANEL;
  const int64_t fit = std::clamp<int64_t>(SUMS / (rows * width * pitch), 1, steps);
  const int64_t at_once = way == Way::spikes ? fit : std::min(fit, parts(USES, rows * width));
  return {width, rows, std::min(g.columns, across * PANEL), pitch, at_once, parts(all, rows), parts(panels, across)};
}

}  // namespace bidl
