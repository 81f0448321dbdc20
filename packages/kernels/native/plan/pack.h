// Weights in the order in which kernels read them.
#pragma once
#include "program.h"

namespace bidl {

/// Fills in `packed` and `packed_bias` of a group behind a synapse or a convolution in groups.
void pack(Instruction& synapse, const float* weights);

}  // namespace bidl
