// Memory that starts at a cache line: a vector that straddles two costs twice.
#pragma once
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

/// Floats at a cache line's boundary, not initialised.
class Room {
 public:
  explicit Room(int64_t size = 0) : data_(size == 0 ? nullptr : allocate(size)) {}
  Room(Room&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  Room& operator=(Room&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~Room() { std::free(data_); }
  float* data() const { return data_; }
  float& operator[](int64_t i) const { return data_[i]; }

 private:
  static float* allocate(int64_t size) {
    void* p = std::aligned_alloc(64, (size * sizeof(float) + 63) / 64 * 64);
    if (p == nullptr) throw std::bad_alloc();
    return static_cast<float*>(p);
  }
  float* data_;
};

}  // namespace bidl
