// Which instruction set the kernels run with.
#pragma once

namespace bidl {

/// `avx512`, `avx2` or `baseline`: the best that this processor has (BIDL_ISA=baseline|avx2|avx512 overrides).
const char* isa();

/// Whether `isa()` is the one with this name; tells dispatch tables apart.
bool isa_is(const char* name);

}  // namespace bidl
