// Compiled once per instruction set, with fused multiply-add where it has it.
//
// Gradients in the kernel for many small images, as direct.cc computes the other passes: every tap is summed over the pairs
// of pixels that meet there, all images at once, [channels of x, images] · [images, channels of dy] for each pair.
#include <algorithm>
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
#include "chunks.h"

constexpr int64_t WIDE = PANEL * W;         // columns of a panel
constexpr int64_t SETS = 16;                // of ROWS channels of x that stay close while dy passes over them
constexpr int64_t FAR = int64_t{4} << 20;   // bytes of images that are packed before they are summed
constexpr int64_t TASKS = 16;

/// Channels of images [images, pixels, channels] in sets of `wide`, images side by side: [set][pixel][image][wide]. This
/// thread packs its share of the pixels; the last set may be narrower, and its rows `tight` then.
void pack(const float* x, int64_t images, int64_t pixels, int64_t channels, int64_t wide, bool tight, const Region& region,
          float* into) {
  int64_t begin, end;
  region.share(pixels, begin, end);
  for (int64_t pixel = begin; pixel < end; ++pixel) {
    for (int64_t image = 0; image < images; ++image) {
      const float* from = x + (image * pixels + pixel) * channels;
      for (int64_t k = 0; k < channels; k += wide) {
        const int64_t here = std::min(wide, channels - k);
        float* to = into + k * pixels * images + (pixel * images + image) * (tight ? here : wide);
        std::copy_n(from + k, here, to);
      }
    }
  }
}

}  // namespace

void direct_filter_gradient(const Conv2d& c, const float* x, const float* dy, float* dkernel) {
  const int64_t in_pixels = c.in_h * c.in_w, out_pixels = c.out_h * c.out_w, taps = c.k_h * c.k_w;
  const int64_t sets = (c.in_c + ROWS - 1) / ROWS, blocks = (sets + SETS - 1) / SETS;
  const Panels panels{c.out_c};
  const int64_t parts = std::min(panels.count(), std::max<int64_t>(1, TASKS / blocks));
  const int64_t image = (in_pixels * sets * ROWS + out_pixels * c.out_c) * static_cast<int64_t>(sizeof(float));
  const int64_t fit = std::min(DEEP, std::max<int64_t>(1, FAR / image)), rounds = (c.images + fit - 1) / fit;
  const int64_t most = (c.images + rounds - 1) / rounds;
  const auto by_tap = pairs_by(c, &Pair::tap, taps);
  const Scratch rows(most * in_pixels * sets * ROWS), columns(most * out_pixels * c.out_c);
  for (int64_t first = 0, images; first < c.images; first += images) {
    images = std::min(most, c.images - first);
    std::vector<std::vector<Run>> runs(taps);
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (const Pair& pair : by_tap[tap]) runs[tap].push_back({pair.in * images * ROWS, pair.out * images, images});
    }
    const Chunks chunks(runs, images);
    parallel(blocks * parts, [&](const Region& region) {
      pack(x + first * in_pixels * c.in_c, images, in_pixels, c.in_c, ROWS, false, region, rows.data());
      pack(dy + first * out_pixels * c.out_c, images, out_pixels, c.out_c, WIDE, true, region, columns.data());
      region.barrier.wait();
      int64_t begin, end;
      region.share(blocks * parts, begin, end);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t block = task / parts, part = task % parts;
        const int64_t from = sets * block / blocks, to = sets * (block + 1) / blocks;
        chunks.each([&](int64_t tap, Runs runs, bool add) {
          for (int64_t panel = panels.count() * part / parts; panel < panels.count() * (part + 1) / parts; ++panel) {
            for (int64_t set = from; set < to; ++set) {
              panel_product(panels.vectors(panel), std::min<int64_t>(ROWS, c.in_c - set * ROWS),
                            rows.data() + set * ROWS * in_pixels * images, 1, ROWS, columns.data() + panel * WIDE * out_pixels * images,
                            runs, dkernel + (tap * c.in_c + set * ROWS) * c.out_c + panel * WIDE, c.out_c, add || first > 0);
            }
          }
        });
      }
    });
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
