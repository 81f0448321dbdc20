#pragma once

namespace bidl::tf {

/// Each registers its ops and returns null, or says what went wrong.
const char* define_scan();
const char* define_max_pool();
const char* define_norm();
const char* define_update();
const char* define_conv();
const char* define_product();

}  // namespace bidl::tf
