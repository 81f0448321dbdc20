// Compiled once per instruction set.
#include "norm.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <type_traits>
#include <vector>

#include "../pool/pool.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

/// Rows that a thread takes at once.
constexpr int64_t PIECE = 512;
/// Rows that are summed in float32; the sums of runs are added in double.
constexpr int64_t RUN = 16;

/// The rows of all groups in pieces: two sums over each piece for every channel, the channels in whole vectors.
class Pieces {
 public:
  /// @param sums whether any are taken
  Pieces(const NormShape& s, bool sums)
      : s_(s), columns_((s.channels + W - 1) / W * W), each_((s.rows() + PIECE - 1) / PIECE),
        sums_(new double[sums ? s.groups * each_ * 2 * columns_ : 0]) {}

  int64_t count() const { return s_.groups * each_; }
  int64_t group(int64_t piece) const { return piece / each_; }
  /// One of the two sums of a piece.
  double* sum(int64_t piece, int which) { return sums_.get() + (piece * 2 + which) * columns_; }

  /// Calls body(offset, rows) for the runs of rows in a piece that lie side by side, at most RUN.
  template <class Body>
  void runs(int64_t piece, Body body) const {
    const int64_t g = group(piece), first = piece % each_ * PIECE, last = std::min(first + PIECE, s_.rows());
    for (int64_t row = first; row < last;) {
      const int64_t o = row / s_.inner, i = row % s_.inner, rows = std::min({s_.inner - i, last - row, RUN});
      body(((o * s_.groups + g) * s_.inner + i) * s_.channels, rows);
      row += rows;
    }
  }

  /// Both sums of a group, to [channels] each.
  void total(int64_t group, double* a, double* b) {
    std::fill_n(a, s_.channels, 0.0);
    std::fill_n(b, s_.channels, 0.0);
    for (int64_t piece = group * each_; piece < (group + 1) * each_; ++piece) {
      const double *from_a = sum(piece, 0), *from_b = sum(piece, 1);
      for (int64_t c = 0; c < s_.channels; ++c) a[c] += from_a[c];
      for (int64_t c = 0; c < s_.channels; ++c) b[c] += from_b[c];
    }
  }

 private:
  NormShape s_;
  int64_t columns_, each_;
  std::unique_ptr<double[]> sums_;
};

/// Calls body(column, part, n) for blocks of n vectors, n a constant, so that their sums stay in registers.
template <class Body>
void each_columns(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + 4 * W <= channels; c += 4 * W) body(c, Whole{}, std::integral_constant<int, 4>{});
  each(channels - c, [&](int64_t i, auto part) { body(c + i, part, std::integral_constant<int, 1>{}); });
}

inline void add_to(double* to, vf x) {
  for (int i = 0; i < W; ++i) to[i] += static_cast<double>(x[i]);
}

/// Takes both sums over a piece: `add(offset, column, part, centre, sum, other)` adds a vector of a row.
template <class Add>
void take_sums(Pieces& pieces, int64_t piece, int64_t channels, const float* centre, Add add) {
  double *sums = pieces.sum(piece, 0), *others = pieces.sum(piece, 1);
  std::fill(sums, others, 0.0);
  std::fill_n(others, others - sums, 0.0);
  pieces.runs(piece, [&](int64_t offset, int64_t rows) {
    each_columns(channels, [&](int64_t c, auto part, auto n) {
      vf sum[n]{}, other[n]{};
      for (int64_t row = 0, at = offset + c; row < rows; ++row, at += channels) {
        for (int k = 0; k < n; ++k) add(at + k * W, c + k * W, part, part.get(centre + c + k * W), sum[k], other[k]);
      }
      for (int k = 0; k < n; ++k) {
        add_to(sums + c + k * W, sum[k]);
        add_to(others + c + k * W, other[k]);
      }
    });
  });
}

/// Sums of x + bias and of its square around `pivot` [channels].
void sum_squares(Pieces& pieces, int64_t piece, int64_t channels, const float* x, const float* bias, const float* pivot) {
  take_sums(pieces, piece, channels, pivot, [=](int64_t at, int64_t c, auto part, vf centre, vf& sum, vf& square) {
    const vf d = part.get(x + at) + part.get(bias + c) - centre;
    sum += d;
    square += d * d;
  });
}

/// Sums of dy and of dy·(x − mean).
void sum_products(Pieces& pieces, int64_t piece, int64_t channels, const float* x, const float* dy, const float* mean) {
  take_sums(pieces, piece, channels, mean, [=](int64_t at, int64_t, auto part, vf centre, vf& sum, vf& product) {
    const vf g = part.get(dy + at);
    sum += g;
    product += g * (part.get(x + at) - centre);
  });
}

/// Whole groups in the order of threads.
template <class Body>
void each_group(const Region& region, int64_t groups, Body body) {
  int64_t first, last;
  region.share(groups, first, last);
  for (int64_t g = first; g < last; ++g) body(g);
}

/// Threads that are worth it for so many values.
int64_t wanted(const NormShape& s) { return s.groups * s.rows() * s.channels / 16384 + 1; }

}  // namespace

void norm_forward(const NormForward& f) {
  const NormShape& s = f.shape;
  const int64_t n = s.channels, size = s.groups * n;
  const bool batch = f.next_mean != nullptr;
  float *mean = f.statistics, *rest = mean + size, *inverse = rest + size;
  // y = (x + bias − centre)·scale + shift
  std::vector<float> centre(size), scale(size), shift(size);
  std::vector<double> exact(size), variance(size);
  Pieces pieces(s, batch);
  const auto found = [&](int64_t g, int64_t c, double about, double spread) {
    const int64_t at = g * n + c;
    const double inv = 1.0 / std::sqrt(spread + f.epsilon);
    exact[at] = about;
    variance[at] = spread;
    centre[at] = static_cast<float>(about);
    scale[at] = static_cast<float>(inv * f.gamma[c]);
    shift[at] = static_cast<float>(f.beta[c] - inv * f.gamma[c] * (about - centre[at]));
    mean[at] = static_cast<float>(about - f.bias[c]);
    rest[at] = static_cast<float>(about - f.bias[c] - mean[at]);
    inverse[at] = static_cast<float>(inv);
  };
  for (int64_t at = 0; at < size; ++at) {
    const int64_t g = at / n, c = at % n;
    if (batch) centre[at] = f.x[g * s.inner * n + c] + f.bias[c];  // a first guess
    else found(g, c, f.mean[c], f.variance[c]);
  }
  parallel(wanted(s), [&](const Region& region) {
    int64_t first, last;
    region.share(pieces.count(), first, last);
    if (batch) {
      for (int64_t p = first; p < last; ++p) sum_squares(pieces, p, n, f.x, f.bias, &centre[pieces.group(p) * n]);
      region.barrier.wait();
      std::vector<double> sum(n), square(n);
      each_group(region, s.groups, [&](int64_t g) {
        pieces.total(g, sum.data(), square.data());
        for (int64_t c = 0; c < n; ++c) {
          const double off = sum[c] / s.rows();
          found(g, c, centre[g * n + c] + off, square[c] / s.rows() - off * off);
        }
      });
      region.barrier.wait();
    }
    for (int64_t p = last - 1; p >= first; --p) {  // what was read last is still in the cache
      const int64_t base = pieces.group(p) * n;
      pieces.runs(p, [&](int64_t offset, int64_t rows) {
        const float* x = f.x + offset;
        float* y = f.y + offset;
        for (int64_t row = 0; row < rows; ++row, x += n, y += n) {
          each(n, [&](int64_t c, auto part) {
            const int64_t at = base + c;
            const vf off = part.get(x + c) + part.get(f.bias + c) - part.get(&centre[at]);
            part.put(y + c, off * part.get(&scale[at]) + part.get(&shift[at]));
          });
        }
      });
    }
  });
  if (!batch) return;
  const double m = f.momentum, rows = static_cast<double>(s.rows()), unbias = rows > 1 ? rows / (rows - 1) : 1.0;
  for (int64_t c = 0; c < n; ++c) {
    double next_mean = f.mean[c], next_variance = f.variance[c];
    for (int64_t at = c; at < size; at += n) {
      next_mean += m * (exact[at] - next_mean);
      next_variance += m * (variance[at] * unbias - next_variance);
    }
    f.next_mean[c] = static_cast<float>(next_mean);
    f.next_variance[c] = static_cast<float>(next_variance);
  }
}

void norm_backward(const NormBackward& f) {
  const NormShape& s = f.shape;
  const int64_t n = s.channels, size = s.groups * n;
  const float *mean = f.statistics, *rest = mean + size, *inverse = rest + size;
  std::vector<float> by_dy(size), by_x(size), constant(size);
  std::vector<double> shifts(size), scales(size);
  Pieces pieces(s, true);
  parallel(wanted(s), [&](const Region& region) {
    int64_t first, last;
    region.share(pieces.count(), first, last);
    for (int64_t p = first; p < last; ++p) sum_products(pieces, p, n, f.x, f.dy, mean + pieces.group(p) * n);
    region.barrier.wait();
    // dx = by_dy·dy + by_x·(x − mean) + constant
    each_group(region, s.groups, [&](int64_t g) {
      pieces.total(g, &shifts[g * n], &scales[g * n]);
      for (int64_t c = 0; c < n; ++c) {
        const int64_t at = g * n + c;
        const double inv = inverse[at], each_dy = inv * f.gamma[c];
        scales[at] = (scales[at] - shifts[at] * rest[at]) * inv;
        const double each_x = f.batch ? -each_dy * inv * scales[at] / s.rows() : 0.0;
        by_dy[at] = static_cast<float>(each_dy);
        by_x[at] = static_cast<float>(each_x);
        constant[at] = static_cast<float>(f.batch ? -each_dy * shifts[at] / s.rows() - each_x * rest[at] : 0.0);
      }
    });
    region.barrier.wait();
    for (int64_t p = last - 1; p >= first; --p) {  // what was read last is still in the cache
      const int64_t base = pieces.group(p) * n;
      pieces.runs(p, [&](int64_t offset, int64_t rows) {
        const float *x = f.x + offset, *dy = f.dy + offset;
        float* dx = f.dx + offset;
        for (int64_t row = 0; row < rows; ++row, x += n, dy += n, dx += n) {
          each(n, [&](int64_t c, auto part) {
            const int64_t at = base + c;
            const vf from_dy = part.get(dy + c) * part.get(&by_dy[at]);
            const vf from_x = (part.get(x + c) - part.get(&mean[at])) * part.get(&by_x[at]);
            part.put(dx + c, from_dy + from_x + part.get(&constant[at]));
          });
        }
      });
    }
  });
  for (int64_t c = 0; c < n; ++c) {
    double shift = 0, scale = 0;
    for (int64_t at = c; at < size; at += n) {
      shift += shifts[at];
      scale += scales[at];
    }
    f.dbeta[c] = static_cast<float>(shift);
    f.dgamma[c] = static_cast<float>(scale);
    f.dbias[c] = f.batch ? 0.0f : by_dy[c] * f.dbeta[c];  // a batch's own mean takes the bias out again
  }
}

}  // namespace BIDL_ISA
}  // namespace bidl
