// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Convolutions of many small images, and their gradients in the input, as matrix products: every pixel of the result is
// summed over the pixels that it sees, all images at once, [images, channels] · [channels, channels of the result] for each
// tap. Taps that fall outside the image, as most do where it is small, cost nothing, nor do the zeros between the pixels of
// a stride's gradient; weights are packed once for all images.
#include <algorithm>
#include <utility>
#include <vector>

#include "../cpu/aligned.h"
#include "../pool/pool.h"
#include "conv.h"
#include "pairs.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
#include "../cpu/gemm.h"
#include "../cpu/transpose.h"
#include "chunks.h"

constexpr int64_t WIDE = PANEL * W;                // columns of a panel
constexpr int64_t GROUP = (64 + WIDE - 1) / WIDE;  // panels that are packed together: weights are read in whole runs
constexpr int64_t NEAR = int64_t{288} * 1024;      // bytes of weights that stay in the second-level cache
constexpr int64_t TASKS = 8;

/// A pass: how its result is summed over its source.
struct Pass {
  int64_t images;
  int64_t from_pixels, from_channels;  // of an image of the source
  int64_t to_pixels, to_channels;      // of the result
  int64_t taps;
  std::vector<std::vector<Pair>> pairs;  // of every pixel of the result
  int64_t Pair::*from;                   // which pixel of the source
};

/// The runs of every pixel's sum over `count` channels of the source.
std::vector<std::vector<Run>> runs_of(const Pass& pass, int64_t count) {
  std::vector<std::vector<Run>> runs(pass.pairs.size());
  for (size_t pixel = 0; pixel < runs.size(); ++pixel) {
    for (const Pair& pair : pass.pairs[pixel]) {
      runs[pixel].push_back({pair.*pass.from * pass.from_channels, pair.tap * count, count});
    }
  }
  return runs;
}

/// The result of a pass over x, [images, pixels, channels].
/// @param pack packs panels of weights for channels of the source: pack(panel, panels, channel, channels, into), as
///     [panel][tap][channel][column]
template <class Pack>
void sum_pixels(const Pass& pass, Pack pack, const float* x, float* y) {
  const Panels panels{pass.to_channels};
  const int64_t groups = (panels.count() + GROUP - 1) / GROUP;
  // Groups of panels are shared among threads, and images too where there are few groups.
  const int64_t parts = std::max<int64_t>(1, std::min(pass.images / ROWS, TASKS / groups)), tasks = groups * parts;
  const int64_t fit = NEAR / (pass.taps * GROUP * WIDE * static_cast<int64_t>(sizeof(float)));
  const int64_t vectors = pass.from_channels / W, pieces = (pass.from_channels + fit - 1) / fit;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    const int64_t channel = vectors * piece / pieces * W, count = vectors * (piece + 1) / pieces * W - channel;
    const auto runs = runs_of(pass, count);
    const Chunks chunks(runs, count);
    parallel(tasks, [&](const Region& region) {
      const int64_t depth = pass.taps * count;
      const Scratch weights(depth * GROUP * WIDE);
      int64_t begin, end;
      region.share(tasks, begin, end);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task / parts * GROUP, here = std::min(GROUP, panels.count() - first), part = task % parts;
        if (task == begin || part == 0) pack(first, here, channel, count, weights.data());
        const int64_t image = pass.images * part / parts, rows = pass.images * (part + 1) / parts - image;
        const float* in = x + image * pass.from_pixels * pass.from_channels + channel;
        float* out = y + image * pass.to_pixels * pass.to_channels + first * WIDE;
        chunks.each([&](int64_t pixel, Runs runs, bool add) {
          for (int64_t i = 0; i < here; ++i) {
            panel_product(panels.vectors(first + i), rows, in, pass.from_pixels * pass.from_channels, 1,
                          weights.data() + i * depth * WIDE, runs, out + pixel * pass.to_channels + i * WIDE,
                          pass.to_pixels * pass.to_channels, add || piece > 0);
          }
        });
      }
    });
  }
}

}  // namespace

bool direct_fits(const Conv2d& c) { return c.in_c % W == 0 && c.out_c % W == 0; }

void direct_forward(const Conv2d& c, const float* x, const float* kernel, float* y) {
  const int64_t in = c.in_h * c.in_w, out = c.out_h * c.out_w, taps = c.k_h * c.k_w;
  const Pass pass{c.images, in, c.in_c, out, c.out_c, taps, pairs_by(c, &Pair::out, out), &Pair::in};
  const Panels panels{c.out_c};
  const auto pack = [&](int64_t panel, int64_t count, int64_t channel, int64_t channels, float* into) {
    const int64_t depth = taps * channels;
    const auto copy = [&](int64_t first, int64_t end, int64_t vectors) {
      float* to = into;
      for (int64_t tap = 0; tap < taps; ++tap) {
        const float* from = kernel + (tap * c.in_c + channel) * c.out_c + panel * WIDE;
        for (int64_t k = 0; k < channels; ++k, from += c.out_c, to += vectors * W) {
          for (int64_t i = first; i < end; ++i) {
            for (int64_t v = 0; v < vectors; ++v) store(to + i * depth * WIDE + v * W, load(from + i * WIDE + v * W));
          }
        }
      }
    };
    const bool narrow = panels.vectors(panel + count - 1) < PANEL;  // the last one
    copy(0, count - narrow, PANEL);
    if (narrow) copy(count - 1, count, panels.vectors(panel + count - 1));
  };
  sum_pixels(pass, pack, x, y);
}

void direct_input_gradient(const Conv2d& c, const float* dy, const float* kernel, float* dx) {
  const int64_t in = c.in_h * c.in_w, out = c.out_h * c.out_w, taps = c.k_h * c.k_w;
  const Pass pass{c.images, out, c.out_c, in, c.in_c, taps, pairs_by(c, &Pair::in, in), &Pair::out};
  const Panels panels{c.in_c};
  const auto pack = [&](int64_t panel, int64_t count, int64_t channel, int64_t channels, float* into) {
    for (int64_t i = 0; i < count; ++i, into += taps * channels * WIDE) {
      const int64_t width = panels.vectors(panel + i) * W;
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t column = 0; column < width; column += W) {
          const float* from = kernel + (tap * c.in_c + (panel + i) * WIDE + column) * c.out_c + channel;
          float* to = into + tap * channels * width + column;
          for (int64_t k = 0; k < channels; k += W) {
            vf square[W];
            for (int j = 0; j < W; ++j) {
              square[j] = load(from + j * c.out_c + k);
              __builtin_prefetch(from + (W + j) * c.out_c + k);  // the next square of these channels
            }
            transpose(square);
            for (int j = 0; j < W; ++j) store(to + (k + j) * width, square[j]);
          }
        }
      }
    }
  };
  sum_pixels(pass, pack, dy, dx);
}

}  // namespace BIDL_ISA
}  // namespace bidl
