#pragma once

namespace bidl::tf {

/// Each registers its ops and returns null, or says what went wrong.
const char* define_lif();
const char* define_max_pool();
const char* define_adam();
const char* define_conv();
const char* define_product();

/// Makes the process keep the memory of freed tensors for the next ones instead of handing it back to the system.
void keep_freed_memory();

}  // namespace bidl::tf
