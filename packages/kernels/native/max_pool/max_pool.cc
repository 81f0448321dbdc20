// Compiled once per instruction set, like scan/lif_scan.cc.
#include "max_pool.h"

#include <cstring>

#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"
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
