// A layer cut for the passes that meet at a barrier every step.
#pragma once
#include "lanes.h"

namespace bidl {

/// Strips are what one call of a pass works on, small enough for the first-level cache; chunks are the strips between
/// two barriers whose sums are taken together.
struct Grid {
  static constexpr int64_t kStrip = 2048, kChunk = 16384;

  int64_t batch, neurons, strip, strips_per_sample, strips_per_chunk, chunks;

  /// @param unit what rows are made of; `within_samples`: no chunk has strips of two samples
  Grid(const Scan& c, int64_t unit, bool within_samples) : batch(c.batch), neurons(c.neurons) {
    strip = row_length(std::min(kStrip, neurons), {unit, c.channels});
    strips_per_sample = (neurons + strip - 1) / strip;
    const int64_t target = std::min(kChunk, std::max(kStrip, batch * neurons / 16));
    strips_per_chunk = std::max<int64_t>(1, target / strip);
    if (within_samples || strips_per_chunk < strips_per_sample) {
      strips_per_chunk = std::min(strips_per_chunk, strips_per_sample);
      chunks_per_sample = (strips_per_sample + strips_per_chunk - 1) / strips_per_chunk;
      samples_per_chunk = 1;
    } else {
      chunks_per_sample = 1;
      samples_per_chunk = strips_per_chunk / strips_per_sample;
    }
    chunks = (batch + samples_per_chunk - 1) / samples_per_chunk * chunks_per_sample;
  }
  /// Calls body(sample, first, n) for every strip of a chunk.
  template <class Body>
  void strips(int64_t chunk, Body body) const {
    const int64_t sample = chunk / chunks_per_sample * samples_per_chunk;
    const int64_t begin = chunk % chunks_per_sample * strips_per_chunk;
    const int64_t end = std::min(begin + strips_per_chunk, strips_per_sample);
    for (int64_t b = sample; b < std::min(sample + samples_per_chunk, batch); ++b) {
      for (int64_t k = begin; k < end; ++k) {
        body(b, k * strip, std::min(strip, neurons - k * strip));
      }
    }
  }
  int64_t sample_of(int64_t chunk) const { return chunk / chunks_per_sample * samples_per_chunk; }
  /// The first chunk of a sample; only where no chunk has strips of two.
  int64_t first_chunk(int64_t sample) const { return sample * chunks_per_sample; }
  int64_t threads() const { return std::min(chunks, batch * neurons / 4096 + 1); }

 private:
  int64_t chunks_per_sample, samples_per_chunk;
};

/// Two sums per channel over the layer, from chunk sums kept for two steps in turn.
class ChannelSums {
 public:
  ChannelSums(int64_t chunks, int64_t channels) : chunks_(chunks), channels_(channels) {
    for (auto& p : partial_) p.resize(chunks * 2 * channels);
  }
  /// The sums of a chunk at a step, first and second, [C] each.
  double* of(int64_t t, int64_t chunk) { return &partial_[t & 1][chunk * 2 * channels_]; }
  /// Adds up chunks [begin, end), in their order, to [2, C].
  void total(int64_t t, int64_t begin, int64_t end, std::vector<double>& sums) const {
    sums.assign(2 * channels_, 0.0);
    const double* p = partial_[t & 1].data() + begin * 2 * channels_;
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      for (int64_t k = 0; k < 2 * channels_; ++k) sums[k] += *p++;
    }
  }
  void total(int64_t t, std::vector<double>& sums) const { total(t, 0, chunks_, sums); }

 private:
  int64_t chunks_, channels_;
  std::vector<double> partial_[2];
};

}  // namespace bidl
