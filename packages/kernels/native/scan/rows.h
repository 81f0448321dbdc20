// Where a scan's rows come from and where they go: tensors, or whatever computes them on the fly and uses them while
// they are in cache, as a synapse in front of the neurons or a pooling behind them.
#pragma once
#include <cstdint>
#include <initializer_list>

namespace bidl {

/// Neurons [first, first + n) of sample `sample` at step `step`.
struct Place {
  int thread;  // who asks: below the number of threads that thread_count() tells
  int64_t sample, step, first, n;
};

class Source {
 public:
  virtual ~Source() = default;
  /// Rows begin at multiples of this many neurons and end there or at the end of the sample.
  virtual int64_t unit() const { return 1; }
  /// Told once, before any thread asks: how many will, and how long a row can be.
  virtual void begin(int /*threads*/, int64_t /*longest*/) {}
  /// The row's values, which last until the same thread asks for the next row.
  virtual const float* row(const Place& place) const = 0;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual int64_t unit() const { return 1; }
  virtual void begin(int /*threads*/, int64_t /*longest*/) {}
  /// Where the row is to be written.
  virtual float* row(const Place& place) const = 0;
  /// The row at this place is written.
  virtual void done(const Place& /*place*/) const {}
};

/// A tensor [B, T, N].
struct Layout {
  int64_t steps, neurons;
  int64_t at(const Place& p) const { return (p.sample * steps + p.step) * neurons + p.first; }
};

class TensorSource : public Source {
 public:
  TensorSource(const float* data, Layout layout) : data_(data), layout_(layout) {}
  const float* row(const Place& place) const override { return data_ + layout_.at(place); }

 private:
  const float* data_;
  Layout layout_;
};

class TensorSink : public Sink {
 public:
  TensorSink(float* data, Layout layout) : data_(data), layout_(layout) {}
  float* row(const Place& place) const override { return data_ + layout_.at(place); }

 private:
  float* data_;
  Layout layout_;
};

/// The shortest rows, of at least `wanted` neurons, that are whole multiples of all these units.
inline int64_t row_length(int64_t wanted, std::initializer_list<int64_t> units) {
  int64_t unit = 1;
  for (int64_t u : units) {
    int64_t a = unit, b = u;
    while (b != 0) {
      const int64_t rest = a % b;
      a = b;
      b = rest;
    }
    unit = unit / a * u;
  }
  return (wanted + unit - 1) / unit * unit;
}

}  // namespace bidl
