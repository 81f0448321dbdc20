// The inputs of a convolution: which are not zero, and which outputs they meet. Included once per instruction set, inside
// its namespace.

constexpr int64_t CLOSE = int64_t{28} * 1024;  // bytes that stay in the first-level cache

/// The non-zero inputs of some pixels: place, (pixel, channel) counted through, and value; and where each pixel's begin.
struct Pixels {
  int64_t count = 0;
  bool other = false;  // some value is neither 0 nor 1
  std::vector<int32_t> place, start;
  Floats value;
  Pixels(int64_t pixels, int64_t channels)
      : place(pixels * channels + SPILL), start(pixels + 1), value(pixels * channels + SPILL) {}

  /// All but `start`, for which `split` has to be called.
  void find(const float* x, int64_t pixels, int64_t channels) {
    other = false;
    count = 0;
    if (channels < SPILL) {  // whole vectors reach over several pixels
      count = nonzeros(x, pixels * channels, 0, place.data(), value.data(), other);
      return;
    }
    for (int64_t p = 0; p < pixels; ++p, x += channels) {
      start[p] = static_cast<int32_t>(count);
      count += nonzeros(x, channels, static_cast<int32_t>(p * channels), place.data() + count, value.data() + count, other);
    }
    start[pixels] = static_cast<int32_t>(count);
  }
  void split(int64_t pixels, int64_t channels) {
    if (channels >= SPILL) return;
    int64_t e = 0;
    for (int64_t p = 0; p <= pixels; ++p) {
      for (; e < count && place[e] < p * channels; ++e) continue;
      start[p] = static_cast<int32_t>(e);
    }
  }
};

/// One axis of a convolution as its inputs see it.
struct Axis {
  int64_t pad, stride, taps;
  /// The first tap through which an input meets an output; every `stride` taps further it meets the output before.
  int64_t first_tap(int64_t input) const { return (input + pad) % stride; }
  /// The output that it meets there.
  int64_t output(int64_t input) const { return (input + pad) / stride; }
  /// How many taps there are from a first one on.
  int64_t count(int64_t first) const { return (taps - first + stride - 1) / stride; }
  int64_t most() const { return count(0); }
};
