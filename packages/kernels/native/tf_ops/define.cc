#include <cstring>

#include "context.h"

namespace bidl::tf {

const char* define(const char* name, std::initializer_list<const char*> inputs,
                   std::initializer_list<const char*> outputs, std::initializer_list<const char*> attributes,
                   void* (*create)(TF_OpKernelConstruction*), void (*compute)(void*, TF_OpKernelContext*),
                   void (*destroy)(void*)) {
  TF_Status* status = api.TF_NewStatus();
  TF_OpDefinitionBuilder* op = api.TF_NewOpDefinitionBuilder(name);
  for (const char* text : inputs) api.TF_OpDefinitionBuilderAddInput(op, text);
  for (const char* text : outputs) api.TF_OpDefinitionBuilderAddOutput(op, text);
  for (const char* text : attributes) api.TF_OpDefinitionBuilderAddAttr(op, text);
  api.TF_RegisterOpDefinition(op, status);
  if (api.TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* kernel = api.TF_NewKernelBuilder(name, "CPU", create, compute, destroy);
    api.TF_RegisterKernelBuilder(name, kernel, status);
  }
  const char* message = api.TF_GetCode(status) == TF_OK ? nullptr : strdup(api.TF_Message(status));
  api.TF_DeleteStatus(status);
  return message;
}

}  // namespace bidl::tf
