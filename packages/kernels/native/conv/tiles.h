// Tiles of Winograd's form and their inputs' transform. Included once per instruction set, inside its namespace.

constexpr int POINTS = 16;                     // of a transformed 4x4 tile
constexpr int64_t NEAR = int64_t{288} * 1024;  // bytes that a core's second-level cache holds beside the weights

/// The tiles of a convolution, 2x2 outputs each, counted over rows, columns and images.
struct Tiles {
  int64_t across, down, count;
  explicit Tiles(const Conv2d& c)
      : across((c.out_w + 1) / 2), down((c.out_h + 1) / 2), count(across * down * c.images) {}
};

/// Where a tile's first output is.
class Place {
 public:
  int64_t image, y, x;
  Place(const Tiles& tiles, int64_t tile)
      : image(tile / (tiles.across * tiles.down)),
        y(tile / tiles.across % tiles.down * 2),
        x(tile % tiles.across * 2),
        width_(tiles.across * 2),
        height_(tiles.down * 2) {}
  /// On to the next tile: divisions take longer than a tile's transform.
  void next() {
    if ((x += 2) < width_) return;
    x = 0;
    if ((y += 2) < height_) return;
    y = 0;
    ++image;
  }

 private:
  int64_t width_, height_;
};

/// Bᵀ of one line: (d0 - d2, d1 + d2, d2 - d1, d1 - d3).
inline void input_line(vf& a, vf& b, vf& c, vf& d) {
  const vf first = a - c, second = b + c, third = c - b, fourth = b - d;
  a = first;
  b = second;
  c = third;
  d = fourth;
}

/// Images [images, h, w, channels] as tiles see them: `pad_h` rows and `pad_w` columns of zeros before each, and where
/// `spread` is 2 one more between its rows and columns.
struct Images {
  const float* x;
  int64_t h, w, channels, pad_h, pad_w, spread;
};

/// Transforms tiles [first, first + count): into[point][tile][channel], `plane` values a point and `row` a tile.
/// The tile of output (y, x) starts at (y - pad_h, x - pad_w).
void transform_input(const Images& of, const Tiles& tiles, int64_t first, int64_t count, const float* zeros, float* into,
                     int64_t plane, int64_t row) {
  const int64_t twice = of.spread - 1;
  Place at(tiles, first);
  for (int64_t t = 0; t < count; ++t, at.next(), into += row) {
    const float* image = of.x + at.image * of.h * of.w * of.channels;
    const float* from[POINTS];
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t iy = at.y - of.pad_h + i, sy = iy >> twice;
      const bool within = iy >= 0 && sy < of.h && (iy & twice) == 0;
      for (int64_t j = 0; j < 4; ++j) {
        const int64_t ix = at.x - of.pad_w + j, sx = ix >> twice;
        const bool inside = within && ix >= 0 && sx < of.w && (ix & twice) == 0;
        from[i * 4 + j] = inside ? image + (sy * of.w + sx) * of.channels : zeros;
      }
    }
    for (int64_t k = 0; k < of.channels; k += W) {
      vf d[POINTS];
#pragma GCC unroll 16
      for (int i = 0; i < POINTS; ++i) d[i] = load(from[i] + k);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) input_line(d[j], d[4 + j], d[8 + j], d[12 + j]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) input_line(d[4 * i], d[4 * i + 1], d[4 * i + 2], d[4 * i + 3]);
#pragma GCC unroll 16
      for (int i = 0; i < POINTS; ++i) store(into + i * plane + k, d[i]);
    }
  }
}

/// Tiles that fit the cache when each needs `channels` values at every point.
int64_t tiles_near(int64_t channels, int64_t bytes) {
  const int64_t fit = bytes / (POINTS * channels * static_cast<int64_t>(sizeof(float)));
  return std::max<int64_t>(ROWS, fit / ROWS * ROWS);
}
