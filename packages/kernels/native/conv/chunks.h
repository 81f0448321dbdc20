// Sums of many runs in pieces that the first-level cache holds. Included once per instruction set, inside its namespace.

constexpr int64_t DEEP = 512;  // rows of a panel of columns in a piece

/// The sums behind several results, in chunks of about the same number of runs.
class Chunks {
 public:
  /// @param results the runs of every result, each of `depth` values; of no runs it is zero
  Chunks(const std::vector<std::vector<Run>>& results, int64_t depth) {
    const int64_t most = std::max<int64_t>(1, DEEP / depth);
    for (size_t result = 0; result < results.size(); ++result) {
      const auto& runs = results[result];
      const int64_t count = static_cast<int64_t>(runs.size()), parts = std::max<int64_t>(1, (count + most - 1) / most);
      for (int64_t i = 0; i < parts; ++i) {
        const int64_t from = count * i / parts, to = count * (i + 1) / parts;
        chunks_.push_back({static_cast<int64_t>(result), i > 0, {runs.data() + from, to - from}});
      }
    }
  }

  /// Calls body(result, runs, add) for every chunk; `add` where it is added to those before it.
  template <class Body>
  void each(Body body) const {
    for (const Chunk& chunk : chunks_) body(chunk.result, chunk.runs, chunk.add);
  }

 private:
  struct Chunk {
    int64_t result;
    bool add;
    Runs runs;
  };
  std::vector<Chunk> chunks_;
};
