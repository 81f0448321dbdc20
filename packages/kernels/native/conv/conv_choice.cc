// Which kernels run: by instruction set once, by shape and density at every call.
#include <algorithm>
#include <cmath>

#include "../cpu/isa.h"
#include "../pool/pool.h"
#include "rows.h"

namespace bidl {

#define BIDL_CONV(isa)                                                                                     \
  namespace isa {                                                                                          \
  bool sparse_fits(const Conv2d&);                                                                         \
  bool sparse_filter_fits(const Conv2d&);                                                                  \
  bool winograd_fits(const Conv2d&);                                                                       \
  bool winograd_gradient_fits(const Conv2d&);                                                              \
  std::unique_ptr<ConvRows> sparse_rows(const Conv2d&, const float*, int);                                 \
  std::unique_ptr<ConvRows> winograd_rows(const Conv2d&, const float*, int);                               \
  void winograd_forward(const Conv2d&, const float*, const float*, float*);                                \
  void sparse_filter_gradient(const Conv2d&, const float*, const float*, float*);                          \
  void winograd_input_gradient(const Conv2d&, const float*, const float*, float*);                         \
  void winograd_filter_gradient(const Conv2d&, const float*, const float*, float*);                        \
  static const ConvKernels table = {sparse_fits,                                                           \
                                    sparse_filter_fits,                                                    \
                                    winograd_fits,                                                         \
                                    winograd_gradient_fits,                                                \
                                    sparse_rows,                                                           \
                                    winograd_rows,                                                         \
                                    winograd_forward,                                                      \
                                    sparse_filter_gradient,                                                \
                                    winograd_input_gradient,                                               \
                                    winograd_filter_gradient};                                             \
  }
#if defined(__x86_64__)
BIDL_CONV(avx512)
BIDL_CONV(avx2)
#endif
BIDL_CONV(baseline)

const ConvKernels& conv_kernels() {
#if defined(__x86_64__)
  if (isa_is("avx512")) return avx512::table;
  if (isa_is("avx2")) return avx2::table;
#endif
  return baseline::table;
}

std::unique_ptr<ConvRows> conv_rows(const Conv2d& c, ConvWay way, const float* kernel, int threads) {
  const ConvKernels& k = conv_kernels();
  return way == ConvWay::sparse ? k.sparse_rows(c, kernel, threads) : k.winograd_rows(c, kernel, threads);
}

void all_rows(const Conv2d& c, ConvRows& rows, const float* x, float* y) {
  const int64_t unit = rows.unit(), units = (c.out_h + unit - 1) / unit;
  parallel(c.images * units, [&](const Region& region) {
    int64_t begin, end;
    region.share(c.images * units, begin, end);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / units, first = i % units * unit;
      rows.compute(x + image * c.in_h * c.in_w * c.in_c, first, std::min(unit, c.out_h - first),
                   y + (image * c.out_h + first) * c.out_w * c.out_c, region.thread);
    }
  });
}

void conv_forward(const Conv2d& c, ConvWay way, const float* x, const float* kernel, float* y) {
  if (way == ConvWay::winograd) return conv_kernels().winograd_forward(c, x, kernel, y);
  all_rows(c, *conv_rows(c, way, kernel, thread_count()), x, y);
}

Density density(const float* x, int64_t size) {
  constexpr int64_t RUN = 16, RUNS = 512;  // values side by side share a cache line
  if (size == 0) return {0, true};
  // Multiples of the golden ratio spread runs evenly, and fall in with no width or number of channels: equal steps would
  // see the same channels of the same columns of every image.
  constexpr double GOLDEN = 0.6180339887498949;
  const int64_t lines = (size + RUN - 1) / RUN;
  int64_t some = 0, ones = 0, seen = 0;
  for (int64_t run = 0; run < std::min(lines, RUNS); ++run) {
    const double place = static_cast<double>(run) * GOLDEN;
    const int64_t line = lines <= RUNS ? run : static_cast<int64_t>((place - std::floor(place)) * static_cast<double>(lines));
    const int64_t from = line * RUN, end = std::min(size, from + RUN);
    for (int64_t i = from; i < end; ++i) {
      some += x[i] != 0.0f;
      ones += x[i] == 1.0f;
    }
    seen += end - from;
  }
  return {static_cast<float>(some) / static_cast<float>(seen), some == ones};
}

ConvWay choose(const Conv2d& c, ConvPass pass, float density) {
  const ConvKernels& k = conv_kernels();
  const ConvWay dense = k.winograd_fits(c) ? ConvWay::winograd : ConvWay::none;
  const bool winograd = dense == ConvWay::winograd;
  // Below these densities a walk over the non-zeros is faster, measured (npm run bench -- ways): against Winograd's form
  // where that fits, else against oneDNN. Sums of a gradient for many channels leave the caches, where a walk that jumps
  // among them is slow.
  const bool wide = c.k_h * c.k_w * c.in_c * c.out_c > 9 * 128 * 128;
  switch (pass) {
    case ConvPass::forward:
      return k.sparse_fits(c) && density < (!winograd ? 0.35f : wide ? 0.26f : 0.32f) ? ConvWay::sparse : dense;
    case ConvPass::filter_gradient:
      return k.sparse_filter_fits(c) && density < (wide ? 0.0f : winograd ? 0.32f : 0.45f) ? ConvWay::sparse : dense;
    default: return k.winograd_gradient_fits(c) ? ConvWay::winograd : ConvWay::none;
  }
}

}  // namespace bidl
