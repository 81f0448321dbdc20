// Compiled once per instruction set. A synapse walks over its non-zero inputs only: for every output pixel and kernel
// row they lie side by side in the list, so sums keep the order ky, kx, ci and stay in registers meanwhile. Where the
// kernel is larger than the first-level cache, a block of pixels takes it piece by piece, each piece for all pixels.
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

constexpr int AHEAD = 6;                       // entries by which weights are fetched ahead
constexpr int64_t NEAR = int64_t{512} * 1024;  // bytes of weights that stay in the caches without help
constexpr int64_t PIECE = int64_t{24} * 1024;  // bytes of weights that stay in the first-level cache

/// Vectors of a panel: many where each weight is read once, fewer where a piece of them is to stay close.
int64_t panel_vectors(const Window& g) { return g.out_h * g.out_w == 1 ? 8 : 4; }

inline float number(float x) { return x; }
inline float number(uint8_t x) { return x; }
inline float number(uint16_t x) { return from_half(x); }

/// One row of the image.
template <class T>
void list_scalar(const T* src, const NonZeros& out, int64_t row) {
  const int32_t first = static_cast<int32_t>(row * out.capacity);
  int32_t count = first, in_row = 0;
  int32_t* start = out.start + row * (out.width + 1);
  bool ones = true;
  for (int64_t x = 0; x < out.width; ++x) {
    start[x] = count;
    for (int64_t c = 0; c < out.channels; ++c, ++in_row) {
      const float value = number(*src++);
      const bool some = value != 0.0f;  // written always, kept when not zero: no branch to mispredict
      out.index[count] = in_row;
      out.value[count] = value;
      count += some;
      ones &= !some | (value == 1.0f);
    }
  }
  start[out.width] = count;
  out.ones[row] = ones;
}

#if defined(__AVX512F__)
/// The same, 16 channels at a time; most vectors of a spike train are empty.
void list_vectors(const float* src, const NonZeros& out, int64_t row) {
  int32_t count = static_cast<int32_t>(row * out.capacity), in_row = 0;
  int32_t* start = out.start + row * (out.width + 1);
  __mmask16 others = 0;
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int64_t x = 0; x < out.width; ++x) {
    start[x] = count;
    for (int64_t c = 0; c < out.channels; c += 16, src += 16, in_row += 16) {
      const __m512 values = _mm512_loadu_ps(src);
      const __mmask16 some = _mm512_cmp_ps_mask(values, _mm512_setzero_ps(), _CMP_NEQ_UQ);
      if (some == 0) continue;
      others |= _mm512_mask_cmp_ps_mask(some, values, _mm512_set1_ps(1.0f), _CMP_NEQ_UQ);
      _mm512_storeu_ps(out.value + count, _mm512_maskz_compress_ps(some, values));
      _mm512_storeu_si512(out.index + count,
                          _mm512_maskz_compress_epi32(some, _mm512_add_epi32(lanes, _mm512_set1_epi32(in_row))));
      count += __builtin_popcount(some);
    }
  }
  start[out.width] = count;
  out.ones[row] = others == 0;
}
#endif

struct Panel {
  const float* weights;
  const float* bias;
  float* dst;
  int64_t last;  // columns of the last vector
};

/// A part of the kernel.
struct Piece {
  int64_t top, bottom, left, right;
  bool first;  // sums start at the bias, else at what the piece before left
};

/// One panel of NB vectors for output pixels [first, first + pixels) and one piece of the kernel.
template <int NB, bool ONES, bool FAR>
void sweep(const NonZeros& in, const Window& g, const Panel& p, const Piece& piece, int64_t first, int64_t pixels) {
  const int64_t stride = NB * W, line = int64_t{g.k_w} * g.in_c;
  const Part tail{static_cast<int>(p.last)};
  int64_t oy = first / g.out_w, ox = first % g.out_w;
  float* dst = p.dst;
  for (int64_t pixel = 0; pixel < pixels; ++pixel, dst += g.out_c) {
    vf sum[NB];
    const float* from = piece.first ? p.bias : dst;
    for (int k = 0; k < NB - 1; ++k) sum[k] = load(from + k * W);
    sum[NB - 1] = piece.first || p.last == W ? load(from + (NB - 1) * W) : tail.get(from + (NB - 1) * W);
    const int64_t y0 = oy * g.stride_h - g.pad_h, x0 = ox * g.stride_w - g.pad_w;
    const int64_t left = x0 + piece.left < 0 ? 0 : x0 + piece.left;
    const int64_t right = x0 + piece.right > g.in_w ? g.in_w : x0 + piece.right;
    for (int64_t ky = left < right ? piece.top : piece.bottom; ky < piece.bottom; ++ky) {
      const int64_t iy = y0 + ky;
      if (iy < 0 || iy >= g.in_h) continue;
      const int32_t* start = in.start + iy * (in.width + 1);
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
      tail.put(dst + (NB - 1) * W, sum[NB - 1]);
    }
    if (++ox == g.out_w) {
      ox = 0;
      ++oy;
    }
  }
}

template <int NB>
void panel(bool far, bool ones, const NonZeros& in, const Window& g, const Panel& p, int64_t first, int64_t pixels) {
  const int64_t row = g.in_c * int64_t{NB} * W * int64_t{sizeof(float)};
  const bool whole = pixels == 1 || row * g.k_w * g.k_h <= PIECE, lines = row * g.k_w <= PIECE;
  const int64_t high = whole ? g.k_h : 1, wide = whole || lines ? g.k_w : 1;
  for (int64_t top = 0; top < g.k_h; top += high) {
    for (int64_t left = 0; left < g.k_w; left += wide) {
      const Piece piece = {top, top + high, left, left + wide, top == 0 && left == 0};
      if (ones) {
        far ? sweep<NB, true, true>(in, g, p, piece, first, pixels) : sweep<NB, true, false>(in, g, p, piece, first, pixels);
      } else {
        far ? sweep<NB, false, true>(in, g, p, piece, first, pixels) : sweep<NB, false, false>(in, g, p, piece, first, pixels);
      }
    }
  }
}
}  // namespace

int64_t plan_vector() { return W; }
int64_t plan_panel(const Window& g) { return panel_vectors(g) * W; }

void plan_list(const void* src, Format format, const NonZeros& out, int64_t first, int64_t last) {
  const int64_t length = out.width * out.channels;
  for (int64_t row = first; row < last; ++row) {
    const int64_t at = row * length;
    if (format == Format::uint8) {
      list_scalar(static_cast<const uint8_t*>(src) + at, out, row);
    } else if (format == Format::float16) {
      list_scalar(static_cast<const uint16_t*>(src) + at, out, row);
#if defined(__AVX512F__)
    } else if (out.channels % 16 == 0) {
      list_vectors(static_cast<const float*>(src) + at, out, row);
#endif
    } else {
      list_scalar(static_cast<const float*>(src) + at, out, row);
    }
  }
}

void plan_synapse(const NonZeros& in, const Window& g, const Packed& packed, int64_t first, int64_t pixels,
                  int64_t column, int64_t columns, float* dst) {
  const int64_t width = panel_vectors(g) * W;
  const bool far = g.out_h * g.out_w == 1 && packed.rows * packed.columns * int64_t{sizeof(float)} > NEAR;
  bool ones = true;
  for (int64_t row = 0; row < in.rows; ++row) ones &= in.ones[row] != 0;
  for (const int64_t end = column + columns; column < end; column += width, dst += width) {
    const int64_t rest = end - column, here = rest < width ? rest : width;
    const int64_t vectors = (here + W - 1) / W;
    const Panel p = {packed.weights + packed.rows * column, packed.bias + column, dst, here - (vectors - 1) * W};
    switch (vectors) {
      case 1: panel<1>(far, ones, in, g, p, first, pixels); break;
      case 2: panel<2>(far, ones, in, g, p, first, pixels); break;
      case 3: panel<3>(far, ones, in, g, p, first, pixels); break;
      case 4: panel<4>(far, ones, in, g, p, first, pixels); break;
      case 5: panel<5>(far, ones, in, g, p, first, pixels); break;
      case 6: panel<6>(far, ones, in, g, p, first, pixels); break;
      case 7: panel<7>(far, ones, in, g, p, first, pixels); break;
      default: panel<8>(far, ones, in, g, p, first, pixels); break;
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
