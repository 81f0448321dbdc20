// Compiled once per instruction set, with BIDL_ISA and BIDL_WIDTH set on the command line and floating-point
// contraction off: every multiplication and addition rounds as the reference interpreter's do.
//
// Two ways through memory: lif_blocks.h where neurons are independent, lif_steps.h where every step needs sums over
// the whole layer. All sums have a fixed order that does not depend on the number of threads.
#include "lif_scan.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {

#include "../cpu/vector.h"
#include "lif_point.h"
#include "lif_blocks.h"
#include "grid.h"
#include "lif_steps.h"

template <int TAP>
void forward_tap(const LifScan& c, const LifForward& f) {
  if (c.norm && c.training) forward_steps<TAP>(c, f);
  else forward_blocks<TAP>(c, f);
}
template <int TAP>
void backward_tap(const LifScan& c, const LifBackward& g) {
  if (c.norm && c.training) backward_steps<TAP>(c, g);
  else backward_blocks<TAP>(c, g);
}

}  // namespace

void lif_forward(const LifScan& c, const LifForward& f) {
  switch (c.tap) {
    case kAfterInput: return forward_tap<kAfterInput>(c, f);
    case kOverThreshold: return forward_tap<kOverThreshold>(c, f);
    case kAfterReset: return forward_tap<kAfterReset>(c, f);
    case kAfterLeak: return forward_tap<kAfterLeak>(c, f);
    default: return forward_tap<kSpike>(c, f);
  }
}
void lif_backward(const LifScan& c, const LifBackward& g) {
  switch (c.tap) {
    case kAfterInput: return backward_tap<kAfterInput>(c, g);
    case kOverThreshold: return backward_tap<kOverThreshold>(c, g);
    case kAfterReset: return backward_tap<kAfterReset>(c, g);
    case kAfterLeak: return backward_tap<kAfterLeak>(c, g);
    default: return backward_tap<kSpike>(c, g);
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
