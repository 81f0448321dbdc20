// Compiled once per instruction set.
#include "max_pool.h"

#include <algorithm>
#include <cstring>

#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

typedef uint8_t vb __attribute__((vector_size(BIDL_WIDTH)));

inline void put_bytes(uint8_t* to, vi x, Whole) {
  const vb bytes = __builtin_convertvector(x, vb);
  __builtin_memcpy(to, &bytes, sizeof bytes);
}
inline void put_bytes(uint8_t* to, vi x, Part part) {
  for (int i = 0; i < part.n; ++i) to[i] = static_cast<uint8_t>(x[i]);
}
inline vi get_bytes(const uint8_t* from, Whole) {
  vb bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, vi);
}
inline vi get_bytes(const uint8_t* from, Part part) {
  vi x{};
  for (int i = 0; i < part.n; ++i) x[i] = from[i];
  return x;
}

}  // namespace

void max_pool_rows(const MaxPoolRows& p, const float* x, float* y, uint8_t* choice) {
  const int64_t c = p.channels, line = p.width * c;
  if (choice == nullptr) {
    const auto larger = [](vf a, vf b) { return choose(a >= b, a, b); };
    for (int64_t k = 0; k < p.width / 2; ++k, x += 2 * c, y += c) {
      each(c, [&](int64_t i, auto part) {
        part.put(y + i, larger(larger(part.get(x + i), part.get(x + c + i)),
                               larger(part.get(x + line + i), part.get(x + line + c + i))));
      });
    }
    return;
  }
  for (int64_t k = 0; k < p.width / 2; ++k, x += 2 * c, y += c, choice += c) {
    each(c, [&](int64_t i, auto part) {
      const vf x0 = part.get(x + i), x1 = part.get(x + c + i);
      const vf x2 = part.get(x + line + i), x3 = part.get(x + line + c + i);
      const vi first0 = (x0 >= x1) & (x0 >= x2) & (x0 >= x3);
      const vi first1 = (x1 >= x2) & (x1 >= x3), first2 = x2 >= x3;
      part.put(y + i, choose(first0, x0, choose(first1, x1, choose(first2, x2, x3))));
      const vi last = 3 + first2;  // a mask is -1 where it holds
      put_bytes(choice + i, first0 ? vi{} : first1 ? vi{} + 1 : last, part);
    });
  }
}

void max_unpool_rows(const MaxPoolRows& p, const float* dy, const uint8_t* choice, float* dx) {
  const int64_t c = p.channels, line = p.width * c;
  float* at = dx;
  for (int64_t k = 0; k < p.width / 2; ++k, at += 2 * c, dy += c, choice += c) {
    each(c, [&](int64_t i, auto part) {
      const vf g = part.get(dy + i);
      const vi chosen = get_bytes(choice + i, part);
      part.put(at + i, zero_or(chosen == 0, g));
      part.put(at + c + i, zero_or(chosen == 1, g));
      part.put(at + line + i, zero_or(chosen == 2, g));
      part.put(at + line + c + i, zero_or(chosen == 3, g));
    });
  }
  if (p.width % 2 == 0) return;
  for (float* odd : {at, at + line}) std::memset(odd, 0, c * sizeof(float));
}

namespace {

/// Where a window lies within the image.
struct Window {
  int64_t top, bottom, left, right;
};

/// Calls start(image) for some images, and for each of their outputs body(image, row, column, window).
template <class Start, class Body>
void each_window(const MaxPool& p, const Region& region, Start start, Body body) {
  int64_t first, last;
  region.share(p.images, first, last);
  for (int64_t image = first; image < last; ++image) {
    start(image);
    for (int64_t r = 0; r < p.out_h; ++r) {
      const int64_t top = r * p.stride_h - p.pad_h;
      for (int64_t k = 0; k < p.out_w; ++k) {
        const int64_t left = k * p.stride_w - p.pad_w;
        body(image, r, k, Window{std::max<int64_t>(top, 0), std::min(top + p.k_h, p.in_h), std::max<int64_t>(left, 0),
                                 std::min(left + p.k_w, p.in_w)});
      }
    }
  }
}

int64_t wanted(const MaxPool& p) { return p.images * p.in_h * p.in_w * p.channels / 65536 + 1; }

}  // namespace

void max_pool(const MaxPool& p, const float* x, float* y) {
  const int64_t c = p.channels, line = p.in_w * c;
  parallel(wanted(p), [&](const Region& region) {
    const auto start = [](int64_t) {};
    each_window(p, region, start, [&](int64_t image, int64_t r, int64_t k, const Window& w) {
      const float* in = x + image * p.in_h * line;
      float* out = y + ((image * p.out_h + r) * p.out_w + k) * c;
      each(c, [&](int64_t i, auto part) {
        vf best = part.get(in + w.top * line + w.left * c + i);
        for (int64_t h = w.top; h < w.bottom; ++h) {
          for (int64_t v = w.left; v < w.right; ++v) {
            const vf other = part.get(in + h * line + v * c + i);
            best = choose(other > best, other, best);
          }
        }
        part.put(out + i, best);
      });
    });
  });
}

void max_pool_grad(const MaxPool& p, const float* x, const float* dy, float* dx) {
  const int64_t c = p.channels, line = p.in_w * c;
  parallel(wanted(p), [&](const Region& region) {
    // Also an image without any window has a gradient.
    const auto start = [&](int64_t image) { std::memset(dx + image * p.in_h * line, 0, p.in_h * line * sizeof(float)); };
    each_window(p, region, start, [&](int64_t image, int64_t r, int64_t k, const Window& w) {
      const float* in = x + image * p.in_h * line;
      float* to = dx + image * p.in_h * line;
      const float* from = dy + ((image * p.out_h + r) * p.out_w + k) * c;
      each(c, [&](int64_t i, auto part) {
        int64_t at = w.top * line + w.left * c + i;
        vf best = part.get(in + at);
        vi chosen{}, place{};
        for (int64_t h = w.top; h < w.bottom; ++h) {
          at = h * line + w.left * c + i;
          for (int64_t v = w.left; v < w.right; ++v, at += c, place += 1) {
            const vf other = part.get(in + at);
            const vi larger = other > best;
            best = choose(larger, other, best);
            chosen = larger ? place : chosen;
          }
        }
        const vf g = part.get(from + i);
        place = vi{};
        for (int64_t h = w.top; h < w.bottom; ++h) {
          at = h * line + w.left * c + i;
          for (int64_t v = w.left; v < w.right; ++v, at += c, place += 1) part.add(to + at, zero_or(chosen == place, g));
        }
      });
    });
  });
}

}  // namespace BIDL_ISA
}  // namespace bidl
