#include "memory.h"

#include <algorithm>

#include "blocks.h"
#include "kernels.h"

namespace bidl {
namespace {
int64_t line(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

SampleMemory::SampleMemory(const Program& program, int64_t steps) : arena_bytes_(line(program.arena_bytes)) {
  arena_.resize(steps * arena_bytes_);
  for (const ListShape& list : program.lists) inputs_.emplace_back(list, steps);
}

int64_t SampleMemory::step_bytes(const Program& program) {
  int64_t bytes = line(program.arena_bytes);
  for (const ListShape& list : program.lists) bytes += Inputs::step_bytes(list);
  return bytes;
}

Workspace::Workspace(const Program& program, int64_t steps, int64_t threads) : lists(steps), fours(steps) {
  int64_t most = 0, entries = 0, table = 0, width = 0;
  for (const Instruction& i : program.instructions) {
    if (i.kind != Instruction::group) continue;
    const Way way = way_of(i, program.lists);
    for (int64_t k = 1; k <= steps; ++k) {  // fewer steps make larger blocks
      const Blocks blocks = cut(i, way, k, threads);
      temporary = std::max(temporary, blocks.floats());
      most = std::max(most, blocks.floats() * blocks.steps);
    }
    if (way != Way::spikes) continue;
    const ListShape& list = program.lists[i.list];
    const int64_t each = fours_of(list.channels), pixels = std::clamp<int64_t>(PIECE / each, 1, i.window.k_w);
    width = std::max(width, int64_t{i.window.out_w});
    entries = std::max(entries, steps * Inputs::row_entries(list) * list.height);
    table = std::max(table, pixels * (16 * each + 1));
  }
  sums.resize(most);
  temporary = (temporary + PANEL - 1) / PANEL * PANEL;
  temporaries.resize(program.temporaries * temporary);
  spikes.entry.resize(entries);
  spikes.table.resize(table * PANEL);
  spikes.left.resize(width);
  spikes.right.resize(width);
  spikes.shift.resize(width);
}

int64_t Workspace::bytes() const {
  const size_t words = sums.size() + temporaries.size() + spikes.entry.size() + spikes.table.size();
  return static_cast<int64_t>(words * sizeof(float));
}

}  // namespace bidl
