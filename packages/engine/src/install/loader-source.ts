/**
 * A tiny addon that is loaded before TensorFlow. The smaller of TensorFlow's libraries logs a line while it is being
 * loaded, before anything in it can be asked to be quiet: so this one loads it with stderr turned away for that moment,
 * then sets its log level. On a GPU it also loads CUDA's libraries out of the cache, where the dynamic linker would not
 * look.
 */
export const LOADER_SOURCE = `#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>
#include <string>

static std::string text(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string out(length + 1, '\\0');
  napi_get_value_string_utf8(env, value, &out[0], out.size(), &length);
  out.resize(length);
  return out;
}

static napi_value result(napi_env env, void* library) {
  napi_value out;
  const char* error = library ? "" : dlerror();
  napi_create_string_utf8(env, error ? error : "", NAPI_AUTO_LENGTH, &out);
  return out;
}

// preload(path: string): '' or why the library cannot be loaded
static napi_value preload(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  return result(env, dlopen(text(env, args[0]).c_str(), RTLD_NOW));
}

// preloadQuietly(path: string, symbol: string, level: number): the same, with nothing on stderr meanwhile; then calls
// the library's function of that name, if it has one, with the level
static napi_value preload_quietly(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value args[3];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  int32_t level = 0;
  napi_get_value_int32(env, args[2], &level);
  int kept = dup(2), nowhere = open("/dev/null", O_WRONLY);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, 2);
  void* library = dlopen(text(env, args[0]).c_str(), RTLD_NOW);
  if (kept >= 0) { dup2(kept, 2); close(kept); }
  if (nowhere >= 0) close(nowhere);
  napi_value out = result(env, library);
  auto set = library ? reinterpret_cast<void (*)(int)>(dlsym(library, text(env, args[1]).c_str())) : nullptr;
  if (set) set(level);
  return out;
}

static napi_value init(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "preload", NAPI_AUTO_LENGTH, preload, nullptr, &function);
  napi_set_named_property(env, exports, "preload", function);
  napi_create_function(env, "preloadQuietly", NAPI_AUTO_LENGTH, preload_quietly, nullptr, &function);
  napi_set_named_property(env, exports, "preloadQuietly", function);
  return exports;
}

NAPI_MODULE(bidl_loader, init)
`;

/** What the addon offers to JavaScript. */
export interface Loader {
  preload(path: string): string;
  preloadQuietly(path: string, symbol: string, level: number): string;
}

/** absl::SetMinLogLevel as TensorFlow 2.21 exports it; where it is absent the level stays as it is. */
export const SET_LOG_LEVEL = '_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE';
/** absl's severity "error". */
export const LOG_ERRORS_ONLY = 2;
