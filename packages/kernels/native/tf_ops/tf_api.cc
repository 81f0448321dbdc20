#include "tf_api.h"

#include <dlfcn.h>

#include <initializer_list>

namespace bidl::tf {

Api api;

const char* load() {
  // RTLD_NOLOAD: only a library that the tfjs binding has already brought in.
  void* library = nullptr;
  for (const char* name : {"libtensorflow_cc.so.2", "libtensorflow.so.2", "libtensorflow.so"}) {
    if ((library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD)) != nullptr) break;
  }
  if (library == nullptr) return "TensorFlow is not loaded: load the tfjs-node binding first";
#define BIDL_FIND(name)                                                          \
  api.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name));         \
  if (api.name == nullptr) return "this TensorFlow lacks the C function " #name;
  BIDL_TF_FUNCTIONS(BIDL_FIND)
#undef BIDL_FIND
  return nullptr;
}

}  // namespace bidl::tf
