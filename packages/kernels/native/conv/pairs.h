// Which pixels of a convolution meet: an input pixel and an output pixel that sees it through a tap of the kernel.
#pragma once
#include <cstdint>
#include <vector>

#include "conv.h"

namespace bidl {

/// How many there are along one side: `in` inputs, `out` outputs, `k` taps, `pad` zeros before the first input.
inline int64_t pairs_along(int64_t in, int64_t out, int64_t k, int64_t stride, int64_t pad) {
  int64_t count = 0;
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t t = 0; t < k; ++t) {
      const int64_t i = o * stride - pad + t;
      count += i >= 0 && i < in;
    }
  }
  return count;
}

/// Those of an image: what lies outside it takes no part.
inline int64_t pair_count(const Conv2d& c) {
  return pairs_along(c.in_h, c.out_h, c.k_h, c.stride_h, c.pad_h) * pairs_along(c.in_w, c.out_w, c.k_w, c.stride_w, c.pad_w);
}

/// Pixels and taps are counted row by row.
struct Pair {
  int64_t in, tap, out;
};

/// The pairs of an image in groups, by what `group` names of them: [groups][pairs], in the order of outputs, then taps.
inline std::vector<std::vector<Pair>> pairs_by(const Conv2d& c, int64_t Pair::*group, int64_t groups) {
  std::vector<std::vector<Pair>> found(groups);
  for (int64_t out = 0; out < c.out_h * c.out_w; ++out) {
    for (int64_t tap = 0; tap < c.k_h * c.k_w; ++tap) {
      const int64_t y = out / c.out_w * c.stride_h - c.pad_h + tap / c.k_w;
      const int64_t x = out % c.out_w * c.stride_w - c.pad_w + tap % c.k_w;
      if (y < 0 || y >= c.in_h || x < 0 || x >= c.in_w) continue;
      const Pair pair{y * c.in_w + x, tap, out};
      found[pair.*group].push_back(pair);
    }
  }
  return found;
}

}  // namespace bidl
