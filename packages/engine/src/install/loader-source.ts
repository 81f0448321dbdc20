/**
 * A tiny addon that is loaded before TensorFlow. TensorFlow logs while its library is being loaded, before anything in it
 * can be asked to be quiet; so this one loads the small half of it first and sets the log level there. On a GPU it also
 * loads CUDA's libraries out of the cache, where the dynamic linker would not look.
 */
export const LOADER_SOURCE = `#include <dlfcn.h>
#include <node_api.h>
#include <string>

static std::string text(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string out(length + 1, '\\0');
  napi_get_value_string_utf8(env, value, &out[0], out.size(), &length);
  out.resize(length);
  return out;
}

// preload(path: string): '' or why the library cannot be loaded
static napi_value preload(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1], out;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  const char* error = dlopen(text(env, args[0]).c_str(), RTLD_NOW) ? "" : dlerror();
  napi_create_string_utf8(env, error, NAPI_AUTO_LENGTH, &out);
  return out;
}

// setLogLevel(path: string, symbol: string, level: number): whether the library at path has that function
static napi_value set_log_level(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value args[3], out;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  int32_t level = 0;
  napi_get_value_int32(env, args[2], &level);
  void* library = dlopen(text(env, args[0]).c_str(), RTLD_NOW);
  auto set = library ? reinterpret_cast<void (*)(int)>(dlsym(library, text(env, args[1]).c_str())) : nullptr;
  if (set) set(level);
  napi_get_boolean(env, set != nullptr, &out);
  return out;
}

static napi_value init(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "preload", NAPI_AUTO_LENGTH, preload, nullptr, &function);
  napi_set_named_property(env, exports, "preload", function);
  napi_create_function(env, "setLogLevel", NAPI_AUTO_LENGTH, set_log_level, nullptr, &function);
  napi_set_named_property(env, exports, "setLogLevel", function);
  return exports;
}

NAPI_MODULE(bidl_loader, init)
`;

/** What the addon offers to JavaScript. */
export interface Loader {
  preload(path: string): string;
  setLogLevel(path: string, symbol: string, level: number): boolean;
}

/** absl::SetMinLogLevel as TensorFlow 2.21 exports it; where it is absent the level stays as it is. */
export const SET_LOG_LEVEL = '_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE';
/** absl's severity "error". */
export const LOG_ERRORS_ONLY = 2;
