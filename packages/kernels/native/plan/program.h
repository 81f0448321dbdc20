// A plan's program: one time step of a network as flat instructions. `src/plan/assemble.ts` writes it as a stream of
// int32 words; `decode` reads it back and checks every word, so that a damaged program can't reach outside its memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../cpu/aligned.h"

namespace bidl {

/// Where a value lies. Temporaries hold one block of a group, sums what its synapse gives for the block; everything
/// else a whole sample.
enum class Place : int32_t { arena, temporary, sums, input, output, state, constant, count };
constexpr int PLACES = static_cast<int>(Place::count);

/// Formats of numbers in memory; all arithmetic is float32.
enum class Format : int32_t { float32, uint8, float16 };
inline int64_t bytes_of(Format f) { return f == Format::float32 ? 4 : f == Format::float16 ? 2 : 1; }

/// How an operand goes with the pixels and columns of its group: a number for each, the same for all pixels, or one.
enum class Repeat : int32_t { full, column, one, count };

struct Operand {
  Place place;
  int64_t offset;  // bytes; of a temporary: which one
  Repeat repeat = Repeat::full;
};

enum class Op : int32_t {
  copy, add, sub, mul, div, neg, abs, exp, tanh, sigmoid, relu, atan, gt, sign, blend, affine, reset_decay,
  from_half, to_half, from_byte, integrate_fire, count
};
constexpr int MAX_SOURCES = 6;
constexpr int MAX_RESULTS = 2;

/// One element-wise operation on a block.
struct Element {
  Op op;
  Operand dst[MAX_RESULTS];
  int sources;
  Operand src[MAX_SOURCES];
};
/// Bytes of a number that an operation reads or writes.
inline int64_t source_bytes(Op op) { return op == Op::from_half ? 2 : op == Op::from_byte ? 1 : 4; }
inline int64_t result_bytes(Op op) { return op == Op::to_half ? 2 : 4; }
inline int results_of(Op op) { return op == Op::integrate_fire ? 2 : 1; }

/// Height, width and channels of both sides, kernel, strides, leading padding. A dense layer is a kernel as large as
/// its image.
struct Window {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w, stride_h, stride_w, pad_h, pad_w;
};

/// Inputs of a synapse: a list of those that are not zero, or spikes in fours (lists.h).
struct ListShape {
  enum Form : int32_t { list, spikes, forms } form;
  int32_t height, width, channels;
};

/// An optional synapse gives the sums of a block, then the elements run, then what they made may be pooled and noted
/// as spikes for the next synapse.
struct Group {
  int64_t rows = 0, width = 0, columns = 0;  // an image; without a synapse any number of pixels in one row
  std::vector<Element> elements;
  bool pooled = false, average = false;
  int64_t pool_h = 1, pool_w = 1;
  Operand pool_src{}, pool_dst{};
  int spikes = -1;  // the list that takes them
  Operand spikes_src{};
};

struct Instruction {
  enum Kind : int32_t { end, find, group, pool, tile, grouped_conv } kind;
  bool joined = false;  // in one stage with the instruction before: see stages.ts
  // find: the inputs src -> lists[list]; pool, tile, grouped_conv: src -> dst
  int list = -1;  // of a find, or of the synapse of a group
  Operand src{}, dst{};
  Format format = Format::float32;
  int64_t n = 0, period = 0;  // tile
  bool average = false;       // pool
  int groups = 1;             // grouped_conv
  Window window{};
  int64_t weights = -1, bias = -1;  // offsets into the weights, in floats
  Group body{};
  Floats packed, packed_bias;       // filled when the plan is made
};

struct StateSlot {
  int64_t offset, elements;  // bytes; count
  Format format;
  float initial;
};

struct Program {
  int64_t timesteps, input_bytes, output_bytes, state_bytes, arena_bytes, temporaries;
  std::vector<StateSlot> states;
  std::vector<ListShape> lists;
  std::vector<Instruction> instructions;
  Floats constants;
};

/// Reads a program. `weights` says how many floats its synapses may choose from. `error` says what is wrong with it,
/// and stays empty when nothing is.
Program decode(const int32_t* code, size_t words, size_t weights, Floats constants, std::string& error);

}  // namespace bidl
