// A plan's program: one time step of a network as flat instructions. `src/plan/program.ts` writes it as a stream of
// int32 words; `decode` reads it back and checks every word, so that a damaged program can't reach outside its memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

namespace bidl {

/// Numbers that start at a cache line: a vector that straddles two costs twice.
template <class T>
struct AtLine {
  using value_type = T;
  AtLine() = default;
  template <class U>
  AtLine(const AtLine<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t{64}); }
  bool operator==(const AtLine&) const { return true; }
  bool operator!=(const AtLine&) const { return false; }
};
using Floats = std::vector<float, AtLine<float>>;

/// Where a value lies. Temporaries hold one block of a group, everything else a whole sample.
enum class Place : int32_t { arena, temporary, input, output, state, constant, count };
constexpr int PLACES = static_cast<int>(Place::count);

/// Formats of numbers in memory; all arithmetic is float32.
enum class Format : int32_t { float32, uint8, float16 };
inline int64_t bytes_of(Format f) { return f == Format::float32 ? 4 : f == Format::float16 ? 2 : 1; }

struct Operand {
  Place place;
  int64_t offset;  // bytes
  int64_t step;    // bytes by which it moves on per element; 0: the same block every time
};

enum class Op : int32_t {
  copy, add, sub, mul, div, neg, abs, exp, tanh, sigmoid, relu, atan, gt, sign, blend, affine, reset_decay,
  from_half, to_half, from_byte, integrate_fire, neuron, count
};
constexpr int MAX_SOURCES = 6;
constexpr int MAX_RESULTS = 2;
/// Blocks of a dense layer are multiples of this, so that none splits a panel of weights.
constexpr int64_t DENSE_COLUMNS = 128;

/// One element-wise operation on a block.
struct Element {
  Op op;
  int64_t period = 0;  // of `neuron`: channels, after which its factors repeat
  Operand dst[MAX_RESULTS];
  int sources;
  Operand src[MAX_SOURCES];
};

/// Height, width and channels of both sides, kernel, strides, leading padding. A dense layer is a 1x1 kernel.
struct Window {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w, stride_h, stride_w, pad_h, pad_w;
};

/// The non-zero inputs of a synapse in raster order; see synapse.cc.
struct ListShape {
  int64_t pixels, channels, row;
};

struct Instruction {
  enum Kind : int32_t { end, find, group, pool, tile, grouped_conv } kind;
  // find: the non-zeros of src -> lists[list]; pool, tile, grouped_conv: src -> dst
  int list = -1;
  Operand src{}, dst{};
  Format format = Format::float32;
  // group: an optional synapse (weights >= 0) makes temporary 0, then the elements run, block by block
  int64_t n = 0, block = 0;
  bool synapse = false;
  bool average = false;   // pool
  int groups = 1;         // grouped_conv
  Window window{};
  int64_t weights = -1, bias = -1;  // offsets into the weights, in floats
  std::vector<Element> elements;
  Floats packed, packed_bias;       // filled when the plan is made
};

struct StateSlot {
  int64_t offset, elements;  // bytes; count
  Format format;
  float initial;
};

struct Program {
  int64_t input_bytes, output_bytes, state_bytes, arena_bytes, temporaries, block;
  std::vector<StateSlot> states;
  std::vector<ListShape> lists;
  std::vector<Instruction> instructions;
  Floats constants;
};

/// Reads a program. `weights` says how many floats its synapses may choose from. `error` says what is wrong with it,
/// and stays empty when nothing is.
Program decode(const int32_t* code, size_t words, size_t weights, Floats constants, std::string& error);

}  // namespace bidl
