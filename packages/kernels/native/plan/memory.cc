#include "memory.h"

#include <algorithm>

#include "blocks.h"
#include "kernels.h"

namespace bidl {
namespace {
int64_t line(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Steps for which the spikes of a list may be listed, for want of sums that would pay for tables.
int64_t listed_steps(const Program& program, int list, int64_t steps) {
  int64_t most = 0;
  for (const Instruction& i : program.instructions) {
    if (i.kind != Instruction::group || i.weights < 0 || i.list != list) continue;
    most = std::max(most, (TABLES_FROM - 1) / (i.body.rows * i.body.width));
  }
  return std::min(steps, most);
}
}  // namespace

SampleMemory::SampleMemory(const Program& program, int64_t steps) : arena_bytes_(line(program.arena_bytes)) {
  arena_.resize(steps * arena_bytes_);
  for (int k = 0; k < static_cast<int>(program.lists.size()); ++k) {
    inputs_.emplace_back(program.lists[k], steps, listed_steps(program, k, steps));
  }
}

int64_t SampleMemory::step_bytes(const Program& program) {
  int64_t bytes = line(program.arena_bytes);
  for (const ListShape& list : program.lists) bytes += Inputs::step_bytes(list);
  return bytes;
}

Workspace::Workspace(const Program& program, int64_t steps, int64_t threads) : lists(steps) {
  int64_t most = 0;
  for (const Instruction& i : program.instructions) {
    if (i.kind != Instruction::group) continue;
    for (int64_t k = 1; k <= steps; ++k) {  // fewer steps make larger blocks
      const Blocks blocks = cut(i, way_of(i, program.lists, k), k, threads);
      temporary = std::max(temporary, blocks.floats());
      most = std::max(most, blocks.floats() * blocks.steps);
    }
  }
  sums.resize(most + LANES * PANEL);
  corners.resize(most / PANEL + LANES);
  table.resize(TABLE_FLOATS);
  temporary = (temporary + PANEL - 1) / PANEL * PANEL;
  temporaries.resize(program.temporaries * temporary);
}

}  // namespace bidl
