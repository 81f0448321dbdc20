// Memory that starts at a cache line: a vector that straddles two costs twice.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace bidl {

template <class T>
struct AtLine {
  using value_type = T;
  AtLine() = default;
  template <class U>
  AtLine(const AtLine<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t{64}); }
  bool operator==(const AtLine&) const { return true; }
  bool operator!=(const AtLine&) const { return false; }
};

template <class T>
using Aligned = std::vector<T, AtLine<T>>;
using Floats = Aligned<float>;

/// Floats that are not initialised; many of them in huge pages, where the system has some.
class Scratch {
 public:
  explicit Scratch(int64_t size = 0) : data_(size == 0 ? nullptr : allocate(size * sizeof(float))) {}
  Scratch(Scratch&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~Scratch() { std::free(data_); }
  float* data() const { return data_; }
  float& operator[](int64_t i) const { return data_[i]; }

 private:
  static float* allocate(size_t bytes) {
    constexpr size_t LINE = 64, HUGE_PAGE = 2 << 20;
    const size_t unit = bytes < HUGE_PAGE ? LINE : HUGE_PAGE, whole = (bytes + unit - 1) / unit * unit;
    void* p = std::aligned_alloc(unit, whole);
    if (p == nullptr) throw std::bad_alloc();
    if (unit == HUGE_PAGE) madvise(p, whole, MADV_HUGEPAGE);
    return static_cast<float*>(p);
  }
  float* data_;
};

}  // namespace bidl
