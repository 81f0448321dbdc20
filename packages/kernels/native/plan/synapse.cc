// Compiled once per instruction set. A synapse walks over its non-zero inputs only: for every output pixel and kernel
// row they lie side by side in the list, so the sum keeps the order ky, kx, ci and stays in registers.
#include <cstring>

#include "half.h"
#include "kernels.h"
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

constexpr int PANEL_VECTORS = 8;
constexpr int AHEAD = 6;                         // entries by which weights are fetched ahead
constexpr int64_t NEAR = int64_t{256} * 1024;  // bytes of weights that stay in the caches without help

inline float number(float x) { return x; }
inline float number(uint8_t x) { return x; }
inline float number(uint16_t x) { return from_half(x); }

template <class T>
void list_scalar(const T* src, const ListShape& shape, NonZeros& out) {
  int32_t count = 0, in_row = 0;
  bool ones = true;
  for (int64_t p = 0; p < shape.pixels; ++p) {
    out.start[p] = count;
    if (in_row == shape.row) in_row = 0;
    for (int64_t c = 0; c < shape.channels; ++c, ++in_row) {
      const float x = number(*src++);
      const bool some = x != 0.0f;  // written always, kept when not zero: no branch to mispredict
      out.index[count] = in_row;
      out.value[count] = x;
      count += some;
      ones &= !some | (x == 1.0f);
    }
  }
  out.start[shape.pixels] = count;
  out.ones = ones;
}

#if defined(__AVX512F__)
/// The same, 16 channels at a time; most vectors of a spike train are empty.
void list_vectors(const float* src, const ListShape& shape, NonZeros& out) {
  int32_t count = 0, in_row = 0;
  __mmask16 others = 0;
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int64_t p = 0; p < shape.pixels; ++p) {
    out.start[p] = count;
    if (in_row == shape.row) in_row = 0;
    for (int64_t c = 0; c < shape.channels; c += 16, src += 16, in_row += 16) {
      const __m512 x = _mm512_loadu_ps(src);
      const __mmask16 some = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
      if (some == 0) continue;
      others |= _mm512_mask_cmp_ps_mask(some, x, _mm512_set1_ps(1.0f), _CMP_NEQ_UQ);
      _mm512_storeu_ps(out.value + count, _mm512_maskz_compress_ps(some, x));
      _mm512_storeu_si512(out.index + count,
                          _mm512_maskz_compress_epi32(some, _mm512_add_epi32(lanes, _mm512_set1_epi32(in_row))));
      count += __builtin_popcount(some);
    }
  }
  out.start[shape.pixels] = count;
  out.ones = others == 0;
}
#endif

struct Panel {
  const float* weights;
  const float* bias;
  float* dst;
  int64_t last;  // columns of the last vector
};

/// One panel of NB vectors for output pixels [first, first + pixels).
template <int NB, bool ONES, bool FAR>
void panel(const NonZeros& in, const Window& g, const Panel& p, int64_t first, int64_t pixels) {
  const int64_t stride = NB * W, line = int64_t{g.k_w} * g.in_c;
  int64_t oy = first / g.out_w, ox = first % g.out_w;
  float* dst = p.dst;
  for (int64_t pixel = 0; pixel < pixels; ++pixel, dst += g.out_c) {
    vf sum[NB];
    for (int k = 0; k < NB; ++k) sum[k] = load(p.bias + k * W);
    const int64_t y0 = oy * g.stride_h - g.pad_h, x0 = ox * g.stride_w - g.pad_w;
    const int64_t left = x0 < 0 ? 0 : x0, right = x0 + g.k_w > g.in_w ? g.in_w : x0 + g.k_w;
    for (int64_t ky = 0; ky < g.k_h; ++ky) {
      const int64_t iy = y0 + ky;
      if (iy < 0 || iy >= g.in_h) continue;
      const int32_t* start = in.start + iy * g.in_w;
      const float* base = p.weights + (ky * line - x0 * g.in_c) * stride;
      for (int32_t e = start[left], end = start[right]; e < end; ++e) {
        const float* w = base + in.index[e] * stride;
        if (FAR) {
          const float* next = base + in.index[e + AHEAD] * stride;
          for (int k = 0; k < NB; ++k) __builtin_prefetch(next + k * W);
        }
        if (ONES) {
          for (int k = 0; k < NB; ++k) sum[k] += load(w + k * W);
        } else {
          const vf x = splat(in.value[e]);
          for (int k = 0; k < NB; ++k) sum[k] += x * load(w + k * W);
        }
      }
    }
    for (int k = 0; k < NB - 1; ++k) store(dst + k * W, sum[k]);
    if (p.last == W) {
      store(dst + (NB - 1) * W, sum[NB - 1]);
    } else {
      Part{static_cast<int>(p.last)}.put(dst + (NB - 1) * W, sum[NB - 1]);
    }
    if (++ox == g.out_w) {
      ox = 0;
      ++oy;
    }
  }
}

template <int NB>
void panel_of(bool far, const NonZeros& in, const Window& g, const Panel& p, int64_t first, int64_t pixels) {
  if (in.ones) {
    far ? panel<NB, true, true>(in, g, p, first, pixels) : panel<NB, true, false>(in, g, p, first, pixels);
  } else {
    far ? panel<NB, false, true>(in, g, p, first, pixels) : panel<NB, false, false>(in, g, p, first, pixels);
  }
}
}  // namespace

extern const int64_t plan_vector, plan_panel;
const int64_t plan_vector = W, plan_panel = PANEL_VECTORS * W;

void plan_list(const void* src, Format format, const ListShape& shape, NonZeros& out) {
  switch (format) {
    case Format::uint8: return list_scalar(static_cast<const uint8_t*>(src), shape, out);
    case Format::float16: return list_scalar(static_cast<const uint16_t*>(src), shape, out);
    case Format::float32: break;
  }
#if defined(__AVX512F__)
  if (shape.channels % 16 == 0) return list_vectors(static_cast<const float*>(src), shape, out);
#endif
  list_scalar(static_cast<const float*>(src), shape, out);
}

void plan_synapse(const NonZeros& in, const Window& g, const Packed& packed, int64_t first, int64_t pixels,
                  float* dst) {
  const int64_t width = PANEL_VECTORS * W;
  const bool far = packed.rows * packed.columns * int64_t{sizeof(float)} > NEAR;
  for (int64_t column = 0; column < packed.columns; column += width) {
    const int64_t rest = packed.columns - column, columns = rest < width ? rest : width;
    const int64_t vectors = (columns + W - 1) / W;
    const Panel p = {packed.weights + packed.rows * column, packed.bias + column, dst + column,
                     columns - (vectors - 1) * W};
    switch (vectors) {
      case 1: panel_of<1>(far, in, g, p, first, pixels); break;
      case 2: panel_of<2>(far, in, g, p, first, pixels); break;
      case 3: panel_of<3>(far, in, g, p, first, pixels); break;
      case 4: panel_of<4>(far, in, g, p, first, pixels); break;
      case 5: panel_of<5>(far, in, g, p, first, pixels); break;
      case 6: panel_of<6>(far, in, g, p, first, pixels); break;
      case 7: panel_of<7>(far, in, g, p, first, pixels); break;
      default: panel_of<8>(far, in, g, p, first, pixels); break;
    }
  }
}

void plan_grouped(const float* src, const Window& g, int groups, const float* kernel, const float* bias, float* dst) {
  const int64_t inner = g.in_c / groups, outer = g.out_c / groups;
  for (int64_t oy = 0; oy < g.out_h; ++oy) {
    for (int64_t ox = 0; ox < g.out_w; ++ox, dst += g.out_c) {
      if (bias != nullptr) {
        std::memcpy(dst, bias, g.out_c * sizeof(float));
      } else {
        std::memset(dst, 0, g.out_c * sizeof(float));
      }
      for (int64_t ky = 0; ky < g.k_h; ++ky) {
        const int64_t iy = oy * g.stride_h - g.pad_h + ky;
        if (iy < 0 || iy >= g.in_h) continue;
        for (int64_t kx = 0; kx < g.k_w; ++kx) {
          const int64_t ix = ox * g.stride_w - g.pad_w + kx;
          if (ix < 0 || ix >= g.in_w) continue;
          const float* in = src + (iy * g.in_w + ix) * g.in_c;
          const float* at = kernel + (ky * g.k_w + kx) * inner * g.out_c;
          for (int64_t c = 0; c < g.in_c; ++c) {
            const float x = in[c];
            if (x == 0.0f) continue;
            const int64_t column = c / inner * outer;
            const float* w = at + c % inner * g.out_c + column;
            each(outer, [&](int64_t i, auto part) {
              float* to = dst + column + i;
              part.put(to, part.get(to) + splat(x) * part.get(w + i));
            });
          }
        }
      }
    }
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
