// Compiled once per instruction set.
#include "max_pool.h"

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

void max_pool_grad(const MaxPool2x2& p, const float* x, const float* dy, float* dx) {
  const int64_t rows = p.height / 2, columns = p.width / 2, c = p.channels, line = p.width * c;
  parallel(p.images * p.height * line / 65536 + 1, [&](const Region& region) {
    int64_t first, last;
    region.share(p.images, first, last);
    for (int64_t image = first; image < last; ++image) {
      const float* in = x + image * p.height * line;
      float* out = dx + image * p.height * line;
      const float* from = dy + image * rows * columns * c;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < columns; ++k, from += c) {
          const int64_t a = 2 * r * line + 2 * k * c, b = a + c, d = a + line, e = d + c;
          each(c, [&](int64_t i, auto part) {
            const vf x0 = part.get(in + a + i), x1 = part.get(in + b + i);
            const vf x2 = part.get(in + d + i), x3 = part.get(in + e + i);
            const vf g = part.get(from + i);
            const vi first0 = (x0 >= x1) & (x0 >= x2) & (x0 >= x3);
            const vi first1 = ~first0 & (x1 >= x2) & (x1 >= x3);
            const vi first2 = ~first0 & ~first1 & (x2 >= x3);
            part.put(out + a + i, zero_or(first0, g));
            part.put(out + b + i, zero_or(first1, g));
            part.put(out + d + i, zero_or(first2, g));
            part.put(out + e + i, zero_or(~(first0 | first1 | first2), g));
          });
        }
        if (p.width % 2 != 0) {
          for (int64_t odd : {2 * r * line, (2 * r + 1) * line}) {
            std::memset(out + odd + line - c, 0, c * sizeof(float));
          }
        }
      }
      if (p.height % 2 != 0) std::memset(out + (p.height - 1) * line, 0, line * sizeof(float));
    }
  });
}

}  // namespace BIDL_ISA
}  // namespace bidl
