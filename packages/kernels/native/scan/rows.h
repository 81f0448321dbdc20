// Where a scan's rows come from and where they go: tensors, or whatever computes them on the fly and uses them while
// they are in cache, as a synapse in front of the neurons or a pooling behind them.
#pragma once
#include <cstdint>

namespace bidl {

/// Neurons [first, first + n) of sample `sample` at step `step`.
struct Place {
  int thread;  // who asks: below the number of threads that thread_count() tells
  int64_t sample, step, first, n;
};

class Source {
 public:
  virtual ~Source() = default;
  /// The row's values, which last until the same thread asks for the next row.
  virtual const float* row(const Place& place) const = 0;
  /// Rows begin at multiples of this many neurons and end there or at the end of the sample.
  virtual int64_t unit() const { return 1; }
};

class Sink {
 public:
  virtual ~Sink() = default;
  /// Where the row is to be written.
  virtual float* row(const Place& place) const = 0;
  /// The row at this place is written.
  virtual void done(const Place&) const {}
  virtual int64_t unit() const { return 1; }
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

}  // namespace bidl
