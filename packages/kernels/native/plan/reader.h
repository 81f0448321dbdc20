// Reads a program word by word and checks each: what `decode` is made of.
#pragma once
#include <cstdint>
#include <string>

#include "program.h"

namespace bidl {

/// Takes words off the stream and remembers the first thing that was wrong.
class Reader {
 public:
  Reader(const int32_t* code, size_t words, size_t weights, Program& program, std::string& error)
      : at_(code), end_(code + words), weights_(static_cast<int64_t>(weights)), program_(program), error_(error) {}

  bool ok() const { return error_.empty(); }
  void fail(const char* what) {
    if (ok()) error_ = what;
  }
  void require(bool condition, const char* what) {
    if (!condition) fail(what);
  }
  int32_t word() {
    if (at_ == end_) {
      fail("ends too early");
      return 0;
    }
    return *at_++;
  }
  bool flag() { return word() != 0; }
  int32_t count(int32_t least = 0) {
    const int32_t n = word();
    require(n >= least, "has a number that is too small");
    return ok() ? n : least;
  }
  template <class E>
  E kind(E end) {
    const int32_t k = word();
    require(k >= 0 && k < static_cast<int32_t>(end), "has an unknown code");
    return ok() ? static_cast<E>(k) : E{};
  }
  /// Elements of an image; no more than a word can count.
  int64_t volume(int64_t a, int64_t b, int64_t c) {
    const bool fits = a < INT32_MAX && b < INT32_MAX && c < INT32_MAX && a * b < INT32_MAX && a * b * c < INT32_MAX;
    require(fits, "has an image that is too large");
    return fits ? a * b * c : 1;
  }

  Format format();
  /// An operand of `pixels` times `columns` elements of `bytes` each. Sums are there only behind a synapse.
  Operand operand(int64_t pixels, int64_t columns, int64_t bytes, bool writes, bool in_group, bool sums);
  /// One that lies in memory of a whole sample, full.
  Operand whole(int64_t elements, int64_t bytes, bool writes) {
    return operand(1, elements, bytes, writes, false, false);
  }
  int64_t weights(int64_t elements);
  int64_t optional_weights(int64_t elements) { return flag() ? weights(elements) : -1; }
  Window window();
  /// The index of a list, and its shape.
  int list(const ListShape*& shape);

 private:
  int64_t size(Place place) const;

  const int32_t *at_, *const end_;
  const int64_t weights_;
  Program& program_;
  std::string& error_;
};

}  // namespace bidl
