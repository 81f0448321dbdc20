// Inputs, outputs and attributes of one call of an op; frees what it took.
#pragma once
#include <initializer_list>
#include <vector>

#include "tf_api.h"

namespace bidl::tf {

class Context {
 public:
  explicit Context(TF_OpKernelContext* context) : context_(context), status_(api.TF_NewStatus()) {}
  Context(const Context&) = delete;
  ~Context() {
    for (TF_Tensor* t : taken_) api.TF_DeleteTensor(t);
    api.TF_DeleteStatus(status_);
  }

  TF_Tensor* input(int i) {
    TF_Tensor* t = nullptr;
    api.TF_GetInput(context_, i, &t, status_);
    if (api.TF_GetCode(status_) != TF_OK) {
      fail();
      return nullptr;
    }
    taken_.push_back(t);
    return t;
  }
  /// Data of input i, or null when it is empty (an argument that was left out).
  const float* floats(int i) {
    TF_Tensor* t = input(i);
    if (t == nullptr || api.TF_TensorElementCount(t) == 0) return nullptr;
    return static_cast<const float*>(api.TF_TensorData(t));
  }
  float* output(int i, std::vector<int64_t> shape) {
    int64_t size = 1;
    for (int64_t d : shape) size *= d;
    TF_Tensor* t = api.TF_AllocateOutput(context_, i, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                         static_cast<size_t>(size) * sizeof(float), status_);
    if (api.TF_GetCode(status_) != TF_OK) {
      fail();
      return nullptr;
    }
    taken_.push_back(t);
    return static_cast<float*>(api.TF_TensorData(t));
  }
  float* output_like(int i, TF_Tensor* like) { return output(i, shape(like)); }

  void fail(const char* message) {
    api.TF_SetStatus(status_, TF_INVALID_ARGUMENT, message);
    fail();
  }

  static std::vector<int64_t> shape(TF_Tensor* t) {
    std::vector<int64_t> dims(api.TF_NumDims(t));
    for (size_t i = 0; i < dims.size(); ++i) dims[i] = api.TF_Dim(t, static_cast<int>(i));
    return dims;
  }

 private:
  void fail() { api.TF_OpKernelContext_Failure(context_, status_); }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> taken_;
};

/// Declares an op (inputs, outputs and attributes in TensorFlow's notation) and its CPU kernel. Returns null or
/// an error message that lives as long as the process.
const char* define(const char* name, std::initializer_list<const char*> inputs,
                   std::initializer_list<const char*> outputs, std::initializer_list<const char*> attributes,
                   void* (*create)(TF_OpKernelConstruction*), void (*compute)(void*, TF_OpKernelContext*),
                   void (*destroy)(void*));

}  // namespace bidl::tf
