#include "recycle.h"

#include <cstdlib>
#include <map>
#include <mutex>

namespace bidl::tf {
namespace {

constexpr size_t ALIGNMENT = 64;  // what TensorFlow asks of memory that it does not copy

struct Block {
  void* data;
  uint64_t call;  // the call after which it came back
};

/// Free memory by size. It lives as long as the process: TensorFlow may give tensors back until the very end.
struct Pool {
  std::mutex mutex;
  std::multimap<size_t, Block> free;
  uint64_t calls = 0;
};

Pool& pool() {
  static Pool* one = new Pool;
  return *one;
}

void* take(size_t bytes) {
  {
    std::lock_guard<std::mutex> lock(pool().mutex);
    if (const auto found = pool().free.find(bytes); found != pool().free.end()) {
      void* data = found->second.data;
      pool().free.erase(found);
      return data;
    }
  }
  return std::aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

void give_back(void* data, size_t bytes, void*) {
  std::lock_guard<std::mutex> lock(pool().mutex);
  pool().free.emplace(bytes, Block{data, pool().calls});
}

}  // namespace

Recycled::Recycled() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  ++pool().calls;
}

Recycled::~Recycled() {
  std::lock_guard<std::mutex> lock(pool().mutex);
  auto& free = pool().free;
  for (auto it = free.begin(); it != free.end();) {
    if (it->second.call < pool().calls) {
      std::free(it->second.data);
      it = free.erase(it);
    } else {
      ++it;
    }
  }
}

TF_Tensor* Recycled::tensor(const std::vector<int64_t>& shape) {
  size_t bytes = sizeof(float);
  for (int64_t d : shape) bytes *= static_cast<size_t>(d);
  void* data = take(bytes);
  if (data == nullptr) return nullptr;
  return api.TF_NewTensor(TF_FLOAT, shape.data(), static_cast<int>(shape.size()), data, bytes, give_back, nullptr);
}

}  // namespace bidl::tf
