// A layer cut into chunks for passes that meet at a barrier every step, and sums over it in a fixed order.
// Included once per instruction set by lif_scan.cc, inside its namespace.

constexpr int64_t kChunk = 16384;  // neurons of a chunk between two barriers
constexpr int kFlush = 64;         // rows summed in float before they go to a double

/// How a layer is cut for the step-by-step passes: chunks of whole rows, a row being some whole pixels
/// (`lanes` neurons), so that short channel counts still fill vectors.
struct Grid {
  int64_t lanes, rows_per_chunk, chunks_per_sample, chunks;
  double count;  // values a channel has in one step
  explicit Grid(const LifScan& c) {
    lanes = c.channels;
    while (lanes < 128 || (lanes % W != 0 && lanes < 2048)) lanes += c.channels;
    rows_per_chunk = std::max<int64_t>(1, kChunk / lanes);
    const int64_t rows = (c.neurons + lanes - 1) / lanes;
    chunks_per_sample = (rows + rows_per_chunk - 1) / rows_per_chunk;
    chunks = chunks_per_sample * c.batch;
    count = static_cast<double>(c.batch) * static_cast<double>(c.neurons / c.channels);
  }
  /// Calls body(neuron, n, row, at): a row of n neurons from `neuron` on; `at` is its place in [B, N].
  template <class Body>
  void rows(const LifScan& c, int64_t chunk, Body body) const {
    const int64_t b = chunk / chunks_per_sample;
    int64_t first = chunk % chunks_per_sample * rows_per_chunk * lanes;
    for (int64_t r = 0; r < rows_per_chunk && first < c.neurons; ++r, first += lanes) {
      body(b, first, std::min<int64_t>(lanes, c.neurons - first));
    }
  }
};

/// Two sums per channel over the layer, from chunk sums kept for two steps in turn.
class ChannelSums {
 public:
  ChannelSums(const Grid& grid, int64_t channels) : grid_(grid), channels_(channels) {
    for (auto& p : partial_) p.resize(grid.chunks * 2 * channels);
  }
  double* of(int64_t t, int64_t chunk) { return &partial_[t & 1][chunk * 2 * channels_]; }
  /// Sums over all chunks, in chunk order.
  void total(int64_t t, std::vector<double>& first, std::vector<double>& second) const {
    first.assign(channels_, 0.0);
    second.assign(channels_, 0.0);
    const double* p = partial_[t & 1].data();
    for (int64_t chunk = 0; chunk < grid_.chunks; ++chunk) {
      for (int64_t k = 0; k < channels_; ++k) first[k] += *p++;
      for (int64_t k = 0; k < channels_; ++k) second[k] += *p++;
    }
  }

 private:
  const Grid& grid_;
  int64_t channels_;
  std::vector<double> partial_[2];
};

/// Running sums of the lanes of a chunk: float for a few rows, then double per channel.
class LaneSums {
 public:
  LaneSums(int64_t lanes, int64_t channels, int quantities) : lanes_(lanes), channels_(channels) {
    for (int q = 0; q < quantities; ++q) sums_.emplace_back((lanes + W - 1) / W * W, 0.0f);
  }
  void add(int q, int64_t i, vf x) { store(&sums_[q][i], load(&sums_[q][i]) + x); }
  /// Counts a row; after kFlush of them, or when forced, moves the sums of quantity q to into + q·channels.
  void end_row(double* into, bool force = false) {
    if (!force && ++rows_ < kFlush) return;
    rows_ = 0;
    for (size_t q = 0; q < sums_.size(); ++q) {
      for (int64_t i = 0, k = 0; i < lanes_; ++i) {
        into[q * channels_ + k] += sums_[q][i];
        if (++k == channels_) k = 0;
      }
      std::fill(sums_[q].begin(), sums_[q].end(), 0.0f);
    }
  }

 private:
  int64_t lanes_, channels_;
  int rows_ = 0;
  std::vector<std::vector<float>> sums_;
};

int64_t threads_for(const LifScan& c, const Grid& grid) {
  return std::min<int64_t>(grid.chunks, c.batch * c.neurons / 4096 + 1);
}

/// Writes channel values out over the lanes of a row.
void spread(const std::vector<float>& channel, int64_t lanes, std::vector<float>& into) {
  for (int64_t i = 0; i < lanes; ++i) into[i] = channel[i % channel.size()];
}
