// Which kernels run: by instruction set once, by shape and density at every call.
#include <algorithm>
#include <cmath>

#include "../cpu/isa.h"
#include "../pool/pool.h"
#include "pairs.h"
#include "rows.h"

namespace bidl {

#define BIDL_CONV(isa)                                                                                     \
  namespace isa {                                                                                          \
  bool sparse_fits(const Conv2d&);                                                                         \
  bool sparse_filter_fits(const Conv2d&);                                                                  \
  bool winograd_fits(const Conv2d&);                                                                       \
  bool winograd_gradient_fits(const Conv2d&);                                                              \
  bool direct_fits(const Conv2d&);                                                                         \
  bool lookup_convolution_fits(const Conv2d&);                                                             \
  bool lookup_filter_fits(const Conv2d&);                                                                  \
  std::unique_ptr<ConvRows> sparse_rows(const Conv2d&, const float*, int);                                 \
  std::unique_ptr<ConvRows> winograd_rows(const Conv2d&, const float*, int);                               \
  void winograd_forward(const Conv2d&, const float*, const float*, float*);                                \
  void direct_forward(const Conv2d&, const float*, const float*, float*);                                  \
  void lookup_convolution(const Conv2d&, const float*, const float*, float*);                              \
  void sparse_filter_gradient(const Conv2d&, const float*, const float*, float*);                          \
  void lookup_filter_gradient(const Conv2d&, const float*, const float*, float*);                          \
  void winograd_input_gradient(const Conv2d&, const float*, const float*, float*);                         \
  void winograd_filter_gradient(const Conv2d&, const float*, const float*, float*);                        \
  void direct_input_gradient(const Conv2d&, const float*, const float*, float*);                           \
  void direct_filter_gradient(const Conv2d&, const float*, const float*, float*);                          \
  static const ConvKernels table = {                                                                       \
      sparse_fits,           sparse_filter_fits,      winograd_fits,           winograd_gradient_fits,     \
      direct_fits,           lookup_convolution_fits, lookup_filter_fits,      sparse_rows,                \
      winograd_rows,         winograd_forward,        direct_forward,          lookup_convolution,         \
      sparse_filter_gradient, lookup_filter_gradient, winograd_input_gradient, winograd_filter_gradient,   \
      direct_input_gradient, direct_filter_gradient};                                                      \
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

bool conv_fits(const Conv2d& c, ConvPass pass, ConvWay way) {
  const ConvKernels& k = conv_kernels();
  switch (way) {
    case ConvWay::sparse:
      return (pass == ConvPass::forward && k.sparse_fits(c)) || (pass == ConvPass::filter_gradient && k.sparse_filter_fits(c));
    case ConvWay::winograd: return (pass == ConvPass::input_gradient ? k.winograd_gradient_fits : k.winograd_fits)(c);
    case ConvWay::direct: return k.direct_fits(c);
    case ConvWay::lookup:
      return (pass == ConvPass::forward && k.lookup_fits(c)) || (pass == ConvPass::filter_gradient && k.lookup_filter_fits(c));
    default: return false;
  }
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
  if (way == ConvWay::direct) return conv_kernels().direct_forward(c, x, kernel, y);
  if (way == ConvWay::lookup) return conv_kernels().lookup_forward(c, x, kernel, y);
  all_rows(c, *conv_rows(c, way, kernel, thread_count()), x, y);
}

void conv_filter_gradient(const Conv2d& c, ConvWay way, const float* x, const float* dy, float* dkernel) {
  const ConvKernels& k = conv_kernels();
  if (way == ConvWay::winograd) return k.winograd_filter_gradient(c, x, dy, dkernel);
  if (way == ConvWay::direct) return k.direct_filter_gradient(c, x, dy, dkernel);
  (way == ConvWay::lookup ? k.lookup_filter_gradient : k.sparse_filter_gradient)(c, x, dy, dkernel);
}

void conv_input_gradient(const Conv2d& c, ConvWay way, const float* dy, const float* kernel, float* dx) {
  const ConvKernels& k = conv_kernels();
  (way == ConvWay::direct ? k.direct_input_gradient : k.winograd_input_gradient)(c, dy, kernel, dx);
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

constexpr int64_t SOME = 12;  // images: with fewer there is little to save, and sums keep the order that others have too

/// The best way that multiplies zeros too, by how often it does so for a pair of channels.
ConvWay choose_dense(const Conv2d& c, ConvPass pass) {
  // Measured (npm run bench -- ways).
  constexpr int64_t FEW = 6;           // images: so many make up for packing weights for a forward pass
  constexpr int64_t MANY = 8192;       // pixels of fewer images than SOME that are worth a transform
  constexpr int64_t SMALL = 16 * 16;   // pixels: beyond that a dense library is as good
  constexpr int64_t LARGE = 36 * 36;   // where that spreads a gradient by zeros
  constexpr int64_t TRANSFORM = 2400;  // multiplications that take as long as the transform of nine weights
  const int64_t pixels = c.in_h * c.in_w, pairs = pair_count(c);
  const bool back = pass == ConvPass::input_gradient, enough = c.images >= SOME || c.images * pixels >= MANY;
  const bool winograd = enough && conv_fits(c, pass, ConvWay::winograd);
  const ConvWay otherwise = winograd ? ConvWay::winograd : ConvWay::none;
  const bool saves = pairs < pixels * c.k_h * c.k_w;  // not where every pixel meets every tap, as in a plain product
  const bool direct = conv_fits(c, pass, ConvWay::direct) && saves && pixels <= (back ? LARGE : SMALL);
  const int64_t tiles = (((back ? c.in_h : c.out_h) + 1) / 2) * (((back ? c.in_w : c.out_w) + 1) / 2);
  const bool more = c.images * pairs * 5 / 4 >= c.images * tiles * 16 + TRANSFORM;
  if (!direct || (winograd && more)) return otherwise;
  return pass == ConvPass::forward && c.images < FEW ? ConvWay::none : ConvWay::direct;
}

/// The density below which a walk over the non-zeros is faster.
float sparse_below(const Conv2d& c, ConvPass pass, ConvWay dense) {
  // Measured (npm run bench -- ways). Sums of a gradient for many channels leave the caches, where a walk that jumps among
  // them is slow.
  const bool own = dense != ConvWay::none, wide = c.k_h * c.k_w * c.in_c * c.out_c > 9 * 128 * 128;
  if (pass == ConvPass::filter_gradient) return wide ? 0.0f : own ? 0.32f : 0.45f;
  if (dense != ConvWay::direct) return !own ? 0.35f : wide ? 0.26f : 0.32f;
  constexpr float PACK = 100;  // multiplications that take as long as packing a weight for the walk
  return 0.4f * (1 - PACK * static_cast<float>(c.k_h * c.k_w) / static_cast<float>(c.images * pair_count(c)));
}

/// Whether sums are looked up: for so many spikes that a walk over them takes longer, and enough that use a table.
bool look_up(const Conv2d& c, ConvPass pass, Density x) {
  // Measured (npm run bench -- ways).
  constexpr float LEAST = 0.25f;
  constexpr int64_t PIXELS = 1024, SUMS = 384, IMAGES = 24;
  const bool enough = pass == ConvPass::forward ? c.images >= SOME && c.images * c.out_h * c.out_w >= PIXELS
                                                : c.images >= IMAGES && c.k_w * c.in_c >= SUMS;
  return enough && x.spikes && x.share >= LEAST && conv_fits(c, pass, ConvWay::lookup);
}

ConvWay choose(const Conv2d& c, ConvPass pass, Density x) {
  if (look_up(c, pass, x)) return ConvWay::lookup;
  const ConvWay dense = choose_dense(c, pass);
  return conv_fits(c, pass, ConvWay::sparse) && x.share < sparse_below(c, pass, dense) ? ConvWay::sparse : dense;
}

}  // namespace bidl
