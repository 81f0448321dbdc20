// The two ways of a scan through memory.
#pragma once
#include "scan.h"

namespace bidl {

void forward_blocks(const Scan&, const ScanForward&);
void backward_blocks(const Scan&, const ScanBackward&);
void forward_steps(const Scan&, const ScanForward&);
void backward_steps(const Scan&, const ScanBackward&);

}  // namespace bidl
