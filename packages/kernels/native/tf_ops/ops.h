#pragma once

namespace bidl::tf {

/// Each registers its ops and returns null, or says what went wrong.
const char* define_lif();
const char* define_max_pool();
const char* define_update();

}  // namespace bidl::tf
