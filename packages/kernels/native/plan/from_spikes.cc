// Compiled once per instruction set: sums over spikes. What four spikes contribute is one of sixteen sums of weights, a
// combination. For a piece of the kernel those that the block needs are made once, panel by panel, and stay in the
// first-level cache; every output pixel of every step then adds up what its own fours stand for. Pixels with equally many
// fours are taken together: their additions overlap, and the processor foresees where a loop ends.
#include <algorithm>
#include <utility>

#include "kernels.h"

namespace bidl {
namespace BIDL_ISA {
namespace {
#include "../cpu/vector.h"

constexpr int VECTORS = PANEL / W;                       // of a panel
constexpr int AT_ONCE = VECTORS >= 4 ? 2 : 8 / VECTORS;  // sums whose additions overlap
constexpr int64_t APART = 4;                             // counts of equal numbers of fours
constexpr int64_t AHEAD = 96 * PANEL;                    // floats by which weights are fetched ahead
constexpr int64_t SLOT = PANEL * sizeof(float);          // bytes of a sum of weights

/// Makes room; what was there may go. Memory that has been had once is not asked for again.
template <class V>
void at_least(V& v, int64_t n) {
  if (static_cast<int64_t>(v.size()) < n) v.resize(n);
}

class Block {
 public:
  Block(const Sums& s, const Fours* in, SpikeWork& work)
      : s_(s), in_(in), g_(*s.window), work_(work), fours_(fours_of(g_.in_c)), slides_(g_.out_h * g_.out_w > 1),
        wide_(std::max<int64_t>(1, PIECE / fours_)), parts_((g_.k_w + wide_ - 1) / wide_),
        top_(std::max<int64_t>(0, input_row(0, 0))),
        bottom_(std::min<int64_t>(g_.in_h, input_row(s.rows - 1, g_.k_h - 1) + 1)) {}

  /// Finds out what every piece of the kernel and every sum needs.
  void prepare() {
    at_least(work_.pieces, g_.k_h * parts_);
    at_least(work_.rows, (bottom_ - top_) * parts_);
    // Where the window slides over the image, pixels share their combinations; else each has its own.
    if (slides_) combine(top_, bottom_, 0, g_.in_w);
    for (int64_t part = 0; part < parts_; ++part) {
      const int64_t left = part * wide_, right = std::min<int64_t>(left + wide_, g_.k_w);
      for (int64_t x = 0; x < g_.out_w; ++x) {
        const int64_t x0 = x * g_.stride_w - g_.pad_w;
        work_.left[x] = static_cast<uint32_t>(std::clamp<int64_t>(x0 + left, 0, g_.in_w));
        work_.right[x] = static_cast<uint32_t>(std::clamp<int64_t>(x0 + right, work_.left[x], g_.in_w));
        work_.shift[x] = slides_ ? static_cast<int32_t>(-(x0 + left) * (1 + combinations_) * SLOT) : 0;
      }
      for (int64_t ky = 0; ky < g_.k_h; ++ky) {
        const int64_t pixel = ky * g_.k_w + (slides_ ? left : work_.left[0] + g_.pad_w), y = input_row(0, ky);
        const int64_t before = slides_ ? 0 : combinations_;
        if (!slides_ && inside(y)) combine(y, y + 1, work_.left[0], work_.right[0]);
        work_.pieces[ky * parts_ + part] = {before, combinations_ - before, slides_ ? right - left : 1,
                                            pixel * fours_ * FOUR * PANEL};
      }
      for (int64_t y = top_; y < bottom_; ++y) {
        work_.rows[(y - top_) * parts_ + part] = find_runs(y, (right - left) * fours_);
      }
    }
  }

  /// One panel of sums, after `prepare`.
  void add() {
    for (int64_t ky = 0; ky < g_.k_h; ++ky) {
      for (int64_t part = 0; part < parts_; ++part) {
        make_table(work_.pieces[ky * parts_ + part]);
        for (int64_t row = 0; row < s_.rows; ++row) add_row(row, ky, part);
      }
    }
  }

 private:
  int64_t input_row(int64_t row, int64_t ky) const { return (s_.row + row) * g_.stride_h - g_.pad_h + ky; }
  bool inside(int64_t y) const { return y >= top_ && y < bottom_; }

  /// Numbers the combinations that pixels [left, right) of input rows [top, bottom) need, and tells every entry where its
  /// own is.
  void combine(int64_t top, int64_t bottom, int64_t left, int64_t right) {
    const auto each_row = [&](auto f) {
      for (int64_t t = 0; t < s_.steps; ++t) {
        const Fours& in = in_[t];
        uint32_t* to = work_.entry.data() + t * in.rows * in.capacity;
        for (int64_t y = top; y < bottom; ++y) {
          const int32_t* start = in.start + y * (in.width + 1);
          f(in.entry, to, start[left], start[right]);
        }
      }
    };
    const uint32_t apart = static_cast<uint32_t>(slides_ ? 0 : fours_), from = static_cast<uint32_t>(left);
    const auto place = [&](uint32_t entry) { return (Fours::pixel(entry) - from) * apart + Fours::four(entry); };
    const int64_t places = slides_ ? fours_ : (right - left) * fours_;
    work_.used.assign(places, 0);
    uint16_t* used = work_.used.data();
    each_row([&](const uint32_t* entry, uint32_t*, int32_t begin, int32_t end) {
      for (int32_t e = begin; e < end; ++e) used[place(entry[e])] |= 1u << Fours::spikes(entry[e]);
    });
    at_least(work_.slot, places * 16);
    at_least(work_.combinations, combinations_ + places * 15);
    const int64_t before = combinations_;
    for (int64_t p = 0; p < places; ++p) number(static_cast<uint32_t>(p), before);
    const auto pixel = static_cast<uint32_t>(slides_ ? (1 + combinations_) * SLOT : 0);
    const uint32_t* slot = work_.slot.data();
    each_row([&](const uint32_t* entry, uint32_t* to, int32_t begin, int32_t end) {
      for (int32_t e = begin; e < end; ++e) {
        to[e] = Fours::pixel(entry[e]) * pixel + slot[16 * place(entry[e]) + Fours::spikes(entry[e])];
      }
    });
  }

  /// Slots for the sums of one four, each after the one that lacks its last spike.
  void number(uint32_t place, int64_t before) {
    uint32_t used = work_.used[place];
    used |= (used & 0xff00) >> 8;
    used |= (used & 0x00f0) >> 4;
    used |= (used & 0x000c) >> 2;
    uint32_t* slot = &work_.slot[place * 16];
    slot[0] = 0;
    for (used &= 0xfffe; used != 0; used &= used - 1) {
      const uint32_t spikes = __builtin_ctz(used), last = 31 - __builtin_clz(spikes);
      work_.combinations[combinations_++] = {slot[spikes ^ 1u << last], (4 * place + last) * static_cast<uint32_t>(PANEL)};
      slot[spikes] = static_cast<uint32_t>((combinations_ - before) * SLOT);
    }
  }

  /// What the sums of one row take from input row y, by rising number of fours, of which there are `most`.
  Runs find_runs(int64_t y, int64_t most) {
    work_.counts.assign((most + 1) * APART, 0);
    for (int64_t t = 0; t < s_.steps; ++t) count(in_[t].start + y * (in_[t].width + 1));
    uint32_t before = 0;
    for (uint32_t& n : work_.counts) before += std::exchange(n, before);
    at_least(work_.runs, runs_ + before);
    Run* runs = work_.runs.data() + runs_;
    for (int64_t t = 0; t < s_.steps; ++t) {
      const Fours& in = in_[t];
      place(in.start + y * (in.width + 1), static_cast<uint32_t>(t * in.rows * in.capacity),
            static_cast<uint32_t>(t * s_.rows * g_.out_w * PANEL), runs);
    }
    return {std::exchange(runs_, runs_ + before), work_.counts[APART - 1], before};
  }

  /// Pixels are counted in four columns: one count would have to wait for the one before.
  static int64_t counter(int64_t x, int64_t count) { return count * APART + x % APART; }

  void count(const int32_t* start) {
    const uint32_t *left = work_.left.data(), *right = work_.right.data();
    uint32_t* counts = work_.counts.data();
    for (int64_t x = 0, width = g_.out_w; x < width; ++x) ++counts[counter(x, start[right[x]] - start[left[x]])];
  }

  void place(const int32_t* start, uint32_t entry, uint32_t sum, Run* runs) {
    const uint32_t *left = work_.left.data(), *right = work_.right.data();
    const int32_t* shift = work_.shift.data();
    uint32_t* counts = work_.counts.data();
    for (int64_t x = 0, width = g_.out_w; x < width; ++x, sum += PANEL) {
      const uint32_t first = start[left[x]], count = start[right[x]] - first;
      runs[counts[counter(x, count)]++] = {entry + first, shift[x], sum, count};
    }
  }

  /// The combinations of a piece; the first slot of each pixel holds the number that changes nothing.
  void make_table(const Piece& piece) {
    const float* weights = s_.packed.panel(s_.column) + piece.weights;
    const Combination* all = work_.combinations.data() + piece.first;
    float* to = work_.table.data();
    for (int64_t pixel = 0; pixel < piece.repeats; ++pixel, weights += fours_ * FOUR * PANEL) {
      const char* first = reinterpret_cast<const char*>(to);
      for (int k = 0; k < VECTORS; ++k) store(to + k * W, splat(-0.0f));
      for (int64_t c = 0; c < piece.count; ++c) {
        to += PANEL;
        const auto* before = reinterpret_cast<const float*>(first + all[c].before);
        __builtin_prefetch(weights + all[c].row + AHEAD);
        for (int k = 0; k < VECTORS; ++k) store(to + k * W, load(before + k * W) + load(weights + all[c].row + k * W));
      }
      to += PANEL;
    }
  }

  void add_row(int64_t row, int64_t ky, int64_t part) {
    const bool start = ky == 0 && part == 0;
    const float* bias = s_.packed.bias + s_.column;
    float* sums = s_.sums + row * g_.out_w * PANEL;
    const int64_t y = input_row(row, ky);
    if (inside(y)) {
      const Runs& runs = work_.rows[(y - top_) * parts_ + part];
      const Run* first = work_.runs.data() + runs.first;
      // What takes nothing needs a start, but nothing later.
      start ? add_runs<true>(first, runs.all, sums, bias)
            : add_runs<false>(first + runs.nothing, runs.all - runs.nothing, sums, bias);
    } else if (start) {
      for (int64_t t = 0; t < s_.steps; ++t, sums += s_.rows * g_.out_w * PANEL) {
        for (int64_t x = 0; x < g_.out_w; ++x) {
          for (int k = 0; k < VECTORS; ++k) store(sums + x * PANEL + k * W, load(bias + k * W));
        }
      }
    }
  }

  template <bool START>
  void add_runs(const Run* runs, int64_t count, float* sums, const float* bias) const {
    int64_t at = 0;
    for (; at + AT_ONCE <= count; at += AT_ONCE) add<START>(runs + at, sums, bias);
    if (at == count) return;
    Run rest[AT_ONCE];  // the last one over and over
    for (int64_t l = 0; l < AT_ONCE; ++l) rest[l] = runs[std::min(at + l, count - 1)];
    add<START>(rest, sums, bias);
  }

  template <bool START>
  void add(const Run* runs, float* sums, const float* bias) const {
    const char* table[AT_ONCE];
    const uint32_t* entry[AT_ONCE];
    vf sum[AT_ONCE][VECTORS];
    for (int l = 0; l < AT_ONCE; ++l) {
      table[l] = reinterpret_cast<const char*>(work_.table.data()) + runs[l].shift;
      entry[l] = work_.entry.data() + runs[l].entry;
      for (int k = 0; k < VECTORS; ++k) sum[l][k] = load((START ? bias : sums + runs[l].sum) + k * W);
    }
    const auto add_one = [&](int l, uint32_t i) {
      const char* slot = table[l] + entry[l][i];
      for (int k = 0; k < VECTORS; ++k) sum[l][k] += load(reinterpret_cast<const float*>(slot) + k * W);
    };
    const uint32_t together = runs[0].count;
    for (uint32_t i = 0; i < together; ++i) {
      for (int l = 0; l < AT_ONCE; ++l) add_one(l, i);
    }
    if (runs[AT_ONCE - 1].count != together) {
      for (int l = 1; l < AT_ONCE; ++l) {
        for (uint32_t i = together; i < runs[l].count; ++i) add_one(l, i);
      }
    }
    for (int l = 0; l < AT_ONCE; ++l) {
      for (int k = 0; k < VECTORS; ++k) store(sums + runs[l].sum + k * W, sum[l][k]);
    }
  }

  const Sums& s_;
  const Fours* in_;
  const Window& g_;
  SpikeWork& work_;
  const int64_t fours_;
  const bool slides_;
  const int64_t wide_, parts_;   // pixels of a piece; pieces of a row of the kernel
  const int64_t top_, bottom_;   // input rows under the block
  int64_t combinations_ = 0, runs_ = 0;
};
}  // namespace

void plan_prepare_spikes(const Sums& s, const Fours* in, SpikeWork& work) { Block(s, in, work).prepare(); }
void plan_sums_of_spikes(const Sums& s, SpikeWork& work) { Block(s, nullptr, work).add(); }

}  // namespace BIDL_ISA
}  // namespace bidl
