#pragma once

namespace bidl::tf {

/// Puts the memory that TensorFlow's BFC allocator will hand out into huge pages: a page fault for every 2 MB instead of
/// every 4 KB, and far fewer address translations in passes over large tensors. The engine chooses that allocator
/// (TF_CPU_ALLOCATOR_USE_BFC), which keeps what is freed; with another one this does nothing.
void use_huge_pages();

}  // namespace bidl::tf
