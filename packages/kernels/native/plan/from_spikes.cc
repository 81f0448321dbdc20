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
constexpr int64_t SLOT = PANEL * sizeof(float);          // bytes of a sum of weights

class Block {
 public:
  Block(const Sums& s, const Fours* in, SpikeWork& work)
      : s_(s), in_(in), g_(*s.window), work_(work), fours_(fours_of(g_.in_c)), slides_(g_.out_w > 1),
        pitch_(s.panels * PANEL) {}

  void run() {
    prepare();
    for (int64_t panel = 0; panel < s_.panels; ++panel) {
      for (const Piece& piece : work_.pieces) {
        make_table(piece, panel);
        add_runs(piece, panel);
      }
    }
  }

 private:
  /// Cuts the kernel into pieces and finds out what each needs.
  void prepare() {
    work_.combinations.clear();
    work_.pieces.clear();
    work_.runs.clear();
    // Where a window slides over the row, pixels share their combinations; else each has its own.
    if (slides_) combine(0, g_.k_h, 0, g_.in_w);
    const int64_t wide = std::max<int64_t>(1, PIECE / fours_);
    for (int64_t ky = 0; ky < g_.k_h; ++ky) {
      for (int64_t left = 0; left < g_.k_w; left += wide) {
        Piece piece{};
        piece.top = ky;
        piece.left = left;
        piece.right = std::min<int64_t>(left + wide, g_.k_w);
        for (int64_t x = 0; x < g_.out_w; ++x) {
          const int64_t x0 = x * g_.stride_w - g_.pad_w;
          work_.left[x] = static_cast<uint32_t>(std::clamp<int64_t>(x0 + piece.left, 0, g_.in_w));
          work_.right[x] = static_cast<uint32_t>(std::clamp<int64_t>(x0 + piece.right, work_.left[x], g_.in_w));
        }
        piece.repeats = slides_ ? piece.right - piece.left : 1;
        piece.rows = fours_ * FOUR;
        piece.row = (ky * g_.k_w + (slides_ ? piece.left : work_.left[0] + g_.pad_w)) * piece.rows;
        if (!slides_) {
          piece.combinations = static_cast<int64_t>(work_.combinations.size());
          combine(ky, ky + 1, work_.left[0], work_.right[0]);
        }
        piece.count = static_cast<int64_t>(work_.combinations.size()) - piece.combinations;
        for (int64_t x = 0; x < g_.out_w; ++x) {
          const int64_t corner = slides_ ? x * g_.stride_w - g_.pad_w + piece.left : 0;
          work_.shift[x] = static_cast<int32_t>(-corner * (1 + piece.count) * SLOT);
        }
        find_runs(piece);
        work_.pieces.push_back(piece);
      }
    }
  }

  int64_t input_row(int64_t row, int64_t ky) const { return (s_.row + row) * g_.stride_h - g_.pad_h + ky; }

  /// Numbers the combinations that pixels [left, right) of the rows under [top, bottom) of the kernel need, and tells
  /// every entry where its own is.
  void combine(int64_t top, int64_t bottom, int64_t left, int64_t right) {
    const int64_t first = std::max<int64_t>(0, input_row(0, top));
    const int64_t last = std::min<int64_t>(g_.in_h, input_row(s_.rows - 1, bottom - 1) + 1);
    const auto each_row = [&](auto f) {
      for (int64_t t = 0; t < s_.steps; ++t) {
        const Fours& in = in_[t];
        uint32_t* to = work_.entry.data() + t * in.rows * in.capacity;
        for (int64_t y = first; y < last; ++y) {
          const int32_t* start = in.start + y * (in.width + 1);
          f(in.entry, to, start[left], start[right]);
        }
      }
    };
    const uint32_t apart = static_cast<uint32_t>(slides_ ? 0 : fours_), from = static_cast<uint32_t>(left);
    const auto place = [&](uint32_t entry) { return (Fours::pixel(entry) - from) * apart + Fours::four(entry); };
    const int64_t places = slides_ ? fours_ : (right - left) * fours_;
    work_.used.assign(places, 0);
    each_row([&](const uint32_t* entry, uint32_t*, int32_t begin, int32_t end) {
      for (int32_t e = begin; e < end; ++e) work_.used[place(entry[e])] |= 1u << Fours::spikes(entry[e]);
    });
    work_.slot.resize(places * 16);
    const size_t before = work_.combinations.size();
    for (int64_t p = 0; p < places; ++p) number(static_cast<uint32_t>(p), before);
    const auto pixel = static_cast<uint32_t>(slides_ ? (1 + work_.combinations.size()) * SLOT : 0);
    const uint32_t* slot = work_.slot.data();
    each_row([&](const uint32_t* entry, uint32_t* to, int32_t begin, int32_t end) {
      for (int32_t e = begin; e < end; ++e) {
        to[e] = Fours::pixel(entry[e]) * pixel + slot[16 * place(entry[e]) + Fours::spikes(entry[e])];
      }
    });
  }

  /// Slots for the sums of one four, each after the one that lacks its last spike.
  void number(uint32_t place, size_t before) {
    uint32_t used = work_.used[place];
    used |= (used & 0xff00) >> 8;
    used |= (used & 0x00f0) >> 4;
    used |= (used & 0x000c) >> 2;
    uint32_t* slot = &work_.slot[place * 16];
    slot[0] = 0;
    for (used &= 0xfffe; used != 0; used &= used - 1) {
      const uint32_t spikes = __builtin_ctz(used), last = 31 - __builtin_clz(spikes);
      work_.combinations.push_back({slot[spikes ^ 1u << last], (4 * place + last) * static_cast<uint32_t>(PANEL)});
      slot[spikes] = static_cast<uint32_t>((work_.combinations.size() - before) * SLOT);
    }
  }

  /// What every sum takes from a piece, by rising number of fours.
  void find_runs(Piece& piece) {
    work_.counts.assign(((piece.right - piece.left) * fours_ + 1) * APART, 0);
    piece.run = static_cast<int64_t>(work_.runs.size());
    piece.runs = s_.steps * s_.rows * g_.out_w;
    work_.runs.resize(piece.run + piece.runs);
    each_input_row(piece.top, [&](const int32_t* start, int64_t, int64_t) { count_row(start); });
    uint32_t before = 0;
    for (uint32_t& count : work_.counts) before += std::exchange(count, before);
    Run* runs = work_.runs.data() + piece.run;
    each_input_row(piece.top, [&](const int32_t* start, int64_t entry, int64_t sum) {
      place_row(start, static_cast<uint32_t>(entry), static_cast<uint32_t>(sum), runs);
    });
    // Sums that take nothing come first; they need a start, but nothing later.
    if (!work_.pieces.empty()) {
      piece.run += work_.counts[APART - 1];
      piece.runs -= work_.counts[APART - 1];
    }
  }

  /// Calls f for every row of sums: where the pixels of the input row start, what they count from, and the first sum.
  template <class F>
  void each_input_row(int64_t ky, F f) {
    for (int64_t t = 0, sum = 0; t < s_.steps; ++t) {
      const Fours& in = in_[t];
      for (int64_t row = 0; row < s_.rows; ++row, sum += g_.out_w * pitch_) {
        const int64_t y = input_row(row, ky);
        const bool inside = y >= 0 && y < g_.in_h;
        f(inside ? in.start + y * (in.width + 1) : work_.nothing.data(), t * in.rows * in.capacity, sum);
      }
    }
  }

  void count_row(const int32_t* start) {
    const uint32_t *left = work_.left.data(), *right = work_.right.data();
    uint32_t* counts = work_.counts.data();
    for (int64_t x = 0, width = g_.out_w; x < width; ++x) ++counts[counter(x, start[right[x]] - start[left[x]])];
  }

  void place_row(const int32_t* start, uint32_t entry, uint32_t sum, Run* runs) {
    const uint32_t *left = work_.left.data(), *right = work_.right.data();
    const int32_t* shift = work_.shift.data();
    uint32_t* counts = work_.counts.data();
    const auto step = static_cast<uint32_t>(pitch_);
    for (int64_t x = 0, width = g_.out_w; x < width; ++x, sum += step) {
      const uint32_t first = start[left[x]], count = start[right[x]] - first;
      runs[counts[counter(x, count)]++] = {entry + first, shift[x], sum, count};
    }
  }

  /// Pixels are counted in four columns: one count would have to wait for the one before.
  static int64_t counter(int64_t x, int64_t count) { return count * APART + x % APART; }

  /// The combinations of a piece; the first slot of each pixel holds the number that changes nothing.
  void make_table(const Piece& piece, int64_t panel) {
    const float* rows = s_.packed.panel(s_.column + panel * PANEL) + piece.row * PANEL;
    const Combination* all = work_.combinations.data() + piece.combinations;
    float* to = work_.table.data();
    for (int64_t kx = 0; kx < piece.repeats; ++kx, rows += piece.rows * PANEL) {
      const char* first = reinterpret_cast<const char*>(to);
      for (int k = 0; k < VECTORS; ++k) store(to + k * W, splat(-0.0f));
      for (int64_t c = 0; c < piece.count; ++c) {
        to += PANEL;
        const auto* before = reinterpret_cast<const float*>(first + all[c].before);
        for (int k = 0; k < VECTORS; ++k) store(to + k * W, load(before + k * W) + load(rows + all[c].row + k * W));
      }
      to += PANEL;
    }
  }

  void add_runs(const Piece& piece, int64_t panel) {
    const bool first = &piece == work_.pieces.data();
    Run* runs = work_.runs.data() + piece.run;
    float* sums = s_.sums + panel * PANEL;
    const float* bias = s_.packed.bias + s_.column + panel * PANEL;
    for (int64_t at = 0; at < piece.runs; at += AT_ONCE) {
      const int64_t here = std::min<int64_t>(AT_ONCE, piece.runs - at);
      if (here < AT_ONCE) {
        Run some[AT_ONCE];
        for (int l = 0; l < AT_ONCE; ++l) some[l] = runs[at + std::min<int64_t>(l, here - 1)];
        first ? add<true>(some, sums, bias) : add<false>(some, sums, bias);
      } else {
        first ? add<true>(runs + at, sums, bias) : add<false>(runs + at, sums, bias);
      }
    }
  }

  template <bool FIRST>
  void add(const Run* runs, float* sums, const float* bias) const {
    const char* table[AT_ONCE];
    const uint32_t* entry[AT_ONCE];
    vf sum[AT_ONCE][VECTORS];
    for (int l = 0; l < AT_ONCE; ++l) {
      table[l] = reinterpret_cast<const char*>(work_.table.data()) + runs[l].shift;
      entry[l] = work_.entry.data() + runs[l].entry;
      for (int k = 0; k < VECTORS; ++k) sum[l][k] = load((FIRST ? bias : sums + runs[l].sum) + k * W);
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
  const int64_t pitch_;
};
}  // namespace

void plan_sums_of_spikes(const Sums& s, const Fours* in, SpikeWork& work) { Block(s, in, work).run(); }

}  // namespace BIDL_ISA
}  // namespace bidl
