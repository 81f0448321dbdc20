// Attributes of an op, read once when its kernel is made.
#pragma once
#include <string>
#include <vector>

#include "tf_api.h"

namespace bidl::tf {

/// After a failure the values are empty, and the destructor tells TensorFlow.
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction), status_(api.TF_NewStatus()) {}
  Attributes(const Attributes&) = delete;
  ~Attributes() {
    if (!ok()) api.TF_OpKernelConstruction_Failure(construction_, status_);
    api.TF_DeleteStatus(status_);
  }
  bool ok() const { return api.TF_GetCode(status_) == TF_OK; }
  void fail(const std::string& message) { api.TF_SetStatus(status_, TF_INVALID_ARGUMENT, message.c_str()); }

  int32_t integer(const char* name) {
    int32_t value = 0;
    if (ok()) api.TF_OpKernelConstruction_GetAttrInt32(construction_, name, &value, status_);
    return value;
  }
  float real(const char* name) {
    float value = 0;
    if (ok()) api.TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status_);
    return value;
  }
  bool flag(const char* name) {
    unsigned char value = 0;
    if (ok()) api.TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status_);
    return value != 0;
  }
  std::string text(const char* name) {
    std::string value(size(name).second, '\0');
    if (ok()) api.TF_OpKernelConstruction_GetAttrString(construction_, name, value.data(), value.size(), status_);
    return value;
  }
  std::vector<float> reals(const char* name) {
    std::vector<float> values(size(name).first);
    if (ok() && !values.empty()) {
      api.TF_OpKernelConstruction_GetAttrFloatList(construction_, name, values.data(), static_cast<int>(values.size()),
                                                   status_);
    }
    return values;
  }

 private:
  /// Length of a list, and bytes of a string.
  std::pair<size_t, size_t> size(const char* name) {
    int32_t length = 0, bytes = 0;
    if (ok()) api.TF_OpKernelConstruction_GetAttrSize(construction_, name, &length, &bytes, status_);
    return {length > 0 ? length : 0, bytes > 0 ? bytes : 0};
  }

  TF_OpKernelConstruction* construction_;
  TF_Status* status_;
};

}  // namespace bidl::tf
