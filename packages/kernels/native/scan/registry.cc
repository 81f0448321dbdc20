#include "registry.h"

#include <dlfcn.h>

#include <map>
#include <mutex>

namespace bidl {
namespace {

std::mutex mutex;

std::map<std::string, const BidlNeuron*>& neurons() {
  static auto* all = new std::map<std::string, const BidlNeuron*>;
  return *all;
}

}  // namespace

const BidlNeuron* find_neuron(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex);
  const auto found = neurons().find(name);
  return found == neurons().end() ? nullptr : found->second;
}

std::string load_neurons(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return dlerror();
  using List = const BidlNeuronEntry* (*)(int*);
  const auto list = reinterpret_cast<List>(dlsym(library, "bidl_neurons"));
  if (list == nullptr) return path + " is no library of emitted neurons";
  int count = 0;
  const BidlNeuronEntry* entries = list(&count);
  for (int i = 0; i < count; ++i) {
    if (entries[i].neuron->abi != BIDL_NEURON_ABI) return path + " was made for another version of the scan";
  }
  std::lock_guard<std::mutex> lock(mutex);
  for (int i = 0; i < count; ++i) neurons().emplace(entries[i].name, entries[i].neuron);
  return "";
}

}  // namespace bidl
