#include "update.h"

#include <algorithm>
#include <cstddef>

namespace bidl {
namespace {

enum class Kind { none, array, number, any };

/// What the operands of an operation may be.
struct Signature {
  Kind a, b, c, d;
};

Signature signature(UpdateOp op) {
  switch (op) {
    case UpdateOp::copy:
    case UpdateOp::sqrt:
    case UpdateOp::abs:
    case UpdateOp::sign: return {Kind::array, Kind::none, Kind::none, Kind::none};
    case UpdateOp::select: return {Kind::array, Kind::any, Kind::any, Kind::none};
    case UpdateOp::combine: return {Kind::array, Kind::array, Kind::number, Kind::number};
    default: return {Kind::array, Kind::any, Kind::none, Kind::none};
  }
}

}  // namespace

int32_t UpdateProgram::fresh() const {
  return static_cast<int32_t>(std::count(homes.begin(), homes.end(), FRESH));
}

const char* UpdateProgram::parse(const std::vector<int64_t>& words, UpdateProgram& program) {
  constexpr size_t HEAD = 4, STEP = 6;
  for (int64_t word : words) {
    if (word < 0 || word > 4096) return "the program holds a number out of range";
  }
  const auto word = [&](size_t i) { return static_cast<int32_t>(words[i]); };
  if (words.size() < HEAD) return "the program is cut off";
  program.inputs = word(0);
  program.outputs = word(1);
  program.temporaries = word(2);
  program.numbers = word(3);
  if (program.inputs < 1 || program.outputs < 1) return "the program reads or writes nothing";
  if (program.temporaries > MAX_TEMPORARIES) return "the program needs too many temporaries";
  const size_t first_step = HEAD + static_cast<size_t>(program.outputs);
  if (words.size() < first_step || (words.size() - first_step) % STEP != 0) return "the program is cut off";
  for (size_t i = HEAD; i < first_step; ++i) {
    if (word(i) > program.inputs) return "an output overwrites what is no input";
    program.homes.push_back(word(i) - 1);
  }
  const int32_t arrays = program.first_number(), all = arrays + program.numbers;
  const auto fits = [&](int32_t place, Kind kind) {
    switch (kind) {
      case Kind::array: return place < arrays;
      case Kind::number: return place >= arrays && place < all;
      case Kind::any: return place < all;
      case Kind::none: return place == 0;
    }
    return false;
  };
  for (size_t i = first_step; i < words.size(); i += STEP) {
    const UpdateStep step{static_cast<UpdateOp>(word(i)), word(i + 1), word(i + 2), word(i + 3), word(i + 4), word(i + 5)};
    if (step.op >= UpdateOp::count) return "the program has an unknown step";
    const Signature takes = signature(step.op);
    if (step.to < program.inputs || step.to >= arrays) return "a step writes where it may not";
    if (!fits(step.a, takes.a) || !fits(step.b, takes.b) || !fits(step.c, takes.c) || !fits(step.d, takes.d))
      return "a step reads where nothing is";
    program.steps.push_back(step);
  }
  return nullptr;
}

}  // namespace bidl
