// TensorFlow's C API, looked up at run time in whichever library the tfjs binding has loaded: one build of the
// op library therefore serves every TensorFlow with this (stable) API.
#pragma once
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

#define BIDL_TF_FUNCTIONS(F)                                                                          \
  F(TF_NewStatus) F(TF_DeleteStatus) F(TF_SetStatus) F(TF_GetCode) F(TF_Message)                      \
  F(TF_NewOpDefinitionBuilder) F(TF_OpDefinitionBuilderAddInput) F(TF_OpDefinitionBuilderAddOutput)   \
  F(TF_OpDefinitionBuilderAddAttr) F(TF_RegisterOpDefinition)                                         \
  F(TF_NewKernelBuilder) F(TF_RegisterKernelBuilder)                                                  \
  F(TF_OpKernelConstruction_GetAttrInt32) F(TF_OpKernelConstruction_GetAttrFloat)                     \
  F(TF_OpKernelConstruction_GetAttrBool) F(TF_OpKernelConstruction_Failure)                           \
  F(TF_OpKernelConstruction_GetAttrSize) F(TF_OpKernelConstruction_GetAttrString)                     \
  F(TF_OpKernelConstruction_GetAttrFloatList) F(TF_OpKernelConstruction_GetAttrInt64List)             \
  F(TF_NumInputs) F(TF_NumOutputs) F(TF_GetInput) F(TF_AllocateOutput) F(TF_OpKernelContext_Failure)  \
  F(TF_AllocateTensor) F(TF_DeleteTensor)                                                             \
  F(TF_NumDims) F(TF_Dim) F(TF_TensorData) F(TF_TensorElementCount)

namespace bidl::tf {

struct Api {
#define BIDL_DECLARE(name) decltype(&::name) name;
  BIDL_TF_FUNCTIONS(BIDL_DECLARE)
#undef BIDL_DECLARE
};

/// The functions, once load() has succeeded.
extern Api api;

/// Finds the functions; returns null, or what is missing.
const char* load();

}  // namespace bidl::tf
