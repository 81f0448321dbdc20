#include "scan.h"

#include "passes.h"

namespace bidl {

void scan_forward(const Scan& c, const ScanForward& f) { c.by_steps() ? forward_steps(c, f) : forward_blocks(c, f); }

void scan_backward(const Scan& c, const ScanBackward& g) { c.by_steps() ? backward_steps(c, g) : backward_blocks(c, g); }

}  // namespace bidl
