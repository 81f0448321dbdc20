// What forward and backward passes over a whole layer share: where the rows of a strip lie.
#pragma once
#include "grid.h"

namespace bidl {

/// Rows of tensors [B, T, N] that lie behind each other.
class SavedRows {
 public:
  SavedRows(const Scan& c, const float* data, int64_t count)
      : data_(const_cast<float*>(data)), layout_{c.steps, c.neurons}, size_(c.per_sequence()), rows_(count) {}
  /// The row in the first of them.
  float* row(const Place& place) const { return data_ + layout_.at(place); }
  float* const* rows(const Place& place) {
    for (size_t k = 0; k < rows_.size(); ++k) rows_[k] = row(place) + static_cast<int64_t>(k) * size_;
    return rows_.data();
  }

 private:
  float* data_;
  Layout layout_;
  int64_t size_;
  std::vector<float*> rows_;
};

/// Rows of the states, or of their gradients: those that outlive a barrier lie in tensors [B, N], the others in a
/// scratch that holds one strip.
class StateRows {
 public:
  StateRows(const Scan& c, int64_t strip, const std::vector<float*>& tensors)
      : c_(c), tensors_(tensors), scratch_(c.states(), strip), rows_(c.states()) {}
  float* const* at(const Place& p) {
    for (int64_t k = 0; k < c_.states(); ++k) rows_[k] = outlives(k) ? tensors_[k] + cell(p) : scratch_[k];
    return rows_.data();
  }
  /// The tensors for all of them: what the last pass leaves behind.
  float* const* last(const Place& p) {
    for (int64_t k = 0; k < c_.states(); ++k) rows_[k] = tensors_[k] + cell(p);
    return rows_.data();
  }
  /// What `at` gives, filled with these tensors' rows, or with a number where there is none.
  float* const* start(const Place& p, const std::vector<const float*>& from, const std::vector<float>& otherwise) {
    at(p);
    for (int64_t k = 0; k < c_.states(); ++k) {
      if (from[k] != nullptr) std::copy_n(from[k] + cell(p), p.n, rows_[k]);
      else std::fill_n(rows_[k], p.n, otherwise[k]);
    }
    return rows_.data();
  }

 private:
  bool outlives(int64_t k) const { return (c_.neuron->batch.carried >> k & 1) != 0; }
  int64_t cell(const Place& p) const { return p.sample * c_.neurons + p.first; }

  const Scan& c_;
  const std::vector<float*>& tensors_;
  Arrays scratch_;
  std::vector<float*> rows_;
};

}  // namespace bidl
