#include "../cpu/kernels.h"
#include "context.h"
#include "ops.h"

namespace bidl::tf {
namespace {

void* create(TF_OpKernelConstruction* construction) {
  auto* program = new UpdateProgram;
  TF_Status* status = api.TF_NewStatus();
  int32_t size = 0, unused = 0;
  api.TF_OpKernelConstruction_GetAttrSize(construction, "program", &size, &unused, status);
  std::vector<int64_t> words(static_cast<size_t>(size < 0 ? 0 : size));
  if (api.TF_GetCode(status) == TF_OK) {
    api.TF_OpKernelConstruction_GetAttrInt64List(construction, "program", words.data(), size, status);
  }
  if (api.TF_GetCode(status) == TF_OK) {
    if (const char* problem = UpdateProgram::parse(words, *program)) {
      api.TF_SetStatus(status, TF_INVALID_ARGUMENT, problem);
    }
  }
  if (api.TF_GetCode(status) != TF_OK) api.TF_OpKernelConstruction_Failure(construction, status);
  api.TF_DeleteStatus(status);
  return program;
}
void destroy(void* program) { delete static_cast<UpdateProgram*>(program); }

/// Inputs: the first input array of every tensor, then the second of every tensor, and so on; at the end the numbers
/// (they change every step, so they are no attribute, which TensorFlow would keep a kernel for each of). Outputs in
/// the same order, without those that overwrite an input: the caller vouches that nobody else holds its memory.
void compute(void* state, TF_OpKernelContext* raw) {
  const auto& program = *static_cast<const UpdateProgram*>(state);
  Context context(raw);
  const int arrays = api.TF_NumInputs(raw) - 1;
  const int count = arrays / program.inputs;
  if (count * program.inputs != arrays || count * program.fresh() != api.TF_NumOutputs(raw)) {
    return context.fail("BidlUpdate: the program takes and gives another number of arrays");
  }
  TF_Tensor* numbers = context.input(arrays);
  if (numbers == nullptr) return;
  if (api.TF_TensorElementCount(numbers) != program.numbers) {
    return context.fail("BidlUpdate: the program takes another number of numbers");
  }
  std::vector<UpdateArrays> tensors(static_cast<size_t>(count));
  for (int k = 0; k < count; ++k) {
    UpdateArrays& tensor = tensors[static_cast<size_t>(k)];
    TF_Tensor* first = nullptr;
    for (int j = 0; j < program.inputs; ++j) {
      TF_Tensor* t = context.input(j * count + k);
      if (t == nullptr) return;
      if (first == nullptr) first = t;
      if (api.TF_TensorElementCount(t) != api.TF_TensorElementCount(first)) {
        return context.fail("BidlUpdate: the arrays of a tensor must agree in size");
      }
      tensor.inputs.push_back(static_cast<const float*>(api.TF_TensorData(t)));
    }
    tensor.size = api.TF_TensorElementCount(first);
    int made = 0;
    for (int32_t home : program.homes) {
      float* to;
      if (home != UpdateProgram::FRESH) to = const_cast<float*>(tensor.inputs[static_cast<size_t>(home)]);
      else to = context.output_like(count * made++ + k, first);
      if (to == nullptr) return;
      tensor.outputs.push_back(to);
    }
  }
  kernels().update(program, static_cast<const float*>(api.TF_TensorData(numbers)), tensors);
}

}  // namespace

const char* define_update() {
  return define("BidlUpdate", {"arrays: N * float", "numbers: float"}, {"results: M * float"},
                {"N: int >= 1", "M: int >= 0", "program: list(int)"}, create, compute, destroy);
}

}  // namespace bidl::tf
