// Memory that starts at a cache line: a vector that straddles two costs twice.
#pragma once
#include <cstddef>
#include <new>
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

}  // namespace bidl
