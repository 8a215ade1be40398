#include "runtime/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

namespace qrun::image {
namespace {

// 8 bits of result and 2 bits of headroom remain of 32: 255 * (sum of weights) + 1/2 stays below 2^31, though
// the sum may exceed one by the rounding of up to 2^24 weights.
constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

// Which source pixels make up each destination pixel of one axis, and with what weight.
struct Taps {
  size_t stride = 0;            // weights per destination pixel, the last ones may be unused
  std::vector<int> first;       // the first source pixel
  std::vector<int> count;       // how many
  std::vector<int32_t> weight;  // [destination pixel][stride], in units of 2^-22
};

// Taps of destination pixels begin ... begin + n - 1 of `dst_size`.
Taps ComputeTaps(int src_size, int64_t dst_size, int64_t begin, int n) {
  const double scale = static_cast<double>(src_size) / static_cast<double>(dst_size);
  const double support = std::max(scale, 1.0);
  const double inverse_support = 1.0 / support;
  Taps taps;
  taps.stride = static_cast<size_t>(std::ceil(support)) * 2 + 1;
  taps.first.resize(static_cast<size_t>(n));
  taps.count.resize(static_cast<size_t>(n));
  taps.weight.resize(static_cast<size_t>(n) * taps.stride);
  std::vector<double> exact(taps.stride);
  for (int i = 0; i < n; ++i) {
    const double centre = (static_cast<double>(begin + i) + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int count = std::min(static_cast<int>(centre + support + 0.5), src_size) - first;
    double sum = 0;
    for (int t = 0; t < count; ++t) {
      const double distance = std::abs((t + first - centre + 0.5) * inverse_support);
      exact[static_cast<size_t>(t)] = distance < 1.0 ? 1.0 - distance : 0.0;
      sum += exact[static_cast<size_t>(t)];
    }
    taps.first[static_cast<size_t>(i)] = first;
    taps.count[static_cast<size_t>(i)] = count;
    int32_t* weight = &taps.weight[static_cast<size_t>(i) * taps.stride];
    for (int t = 0; t < count; ++t) {
      const double normalised =
          sum != 0.0 ? exact[static_cast<size_t>(t)] / sum : exact[static_cast<size_t>(t)];
      weight[t] = static_cast<int32_t>(0.5 + normalised * (1 << kWeightBits));
    }
  }
  return taps;
}

uint8_t Clip8(int32_t acc) { return static_cast<uint8_t>(std::clamp(acc >> kWeightBits, 0, 255)); }

// dst[i * channels + c] = sum over taps of src[(first + t) * channels + c] * weight.
template <int channels>
void FilterRow(const uint8_t* src, const Taps& taps, uint8_t* dst) {
  const size_t n = taps.first.size();
  for (size_t i = 0; i < n; ++i) {
    const uint8_t* pixel = src + static_cast<ptrdiff_t>(taps.first[i]) * channels;
    const int32_t* weight = &taps.weight[i * taps.stride];
    int32_t acc[channels];
    for (int c = 0; c < channels; ++c) acc[c] = kHalf;
    for (int t = 0; t < taps.count[i]; ++t) {
      for (int c = 0; c < channels; ++c) acc[c] += pixel[t * channels + c] * weight[t];
    }
    for (int c = 0; c < channels; ++c) dst[i * channels + static_cast<size_t>(c)] = Clip8(acc[c]);
  }
}

// dst[j] = sum over t of src[t * row_bytes + j] * weight[t]; acc: row_bytes words of scratch.
void FilterColumns(const uint8_t* src, size_t row_bytes, const int32_t* weight, int count, int32_t* acc,
                   uint8_t* dst) {
  std::fill_n(acc, row_bytes, kHalf);
  for (int t = 0; t < count; ++t) {
    const uint8_t* row = src + static_cast<size_t>(t) * row_bytes;
    const int32_t w = weight[t];
    for (size_t j = 0; j < row_bytes; ++j) acc[j] += row[j] * w;
  }
  for (size_t j = 0; j < row_bytes; ++j) dst[j] = Clip8(acc[j]);
}

Image Resize(const Image& src, int64_t width, int64_t height, const Window& window) {
  const Taps horizontal = ComputeTaps(src.width, width, window.left, window.width);
  const Taps vertical = ComputeTaps(src.height, height, window.top, window.height);
  const int first_row = vertical.first.front();
  const int last_row = vertical.first.back() + vertical.count.back();

  const auto channels = static_cast<size_t>(src.channels);
  const size_t src_row_bytes = static_cast<size_t>(src.width) * channels;
  const size_t row_bytes = static_cast<size_t>(window.width) * channels;
  std::vector<uint8_t> rows(static_cast<size_t>(last_row - first_row) * row_bytes);
  for (int y = first_row; y < last_row; ++y) {
    const uint8_t* src_row = src.pixels.data() + static_cast<size_t>(y) * src_row_bytes;
    uint8_t* row = rows.data() + static_cast<size_t>(y - first_row) * row_bytes;
    if (src.channels == 3) {
      FilterRow<3>(src_row, horizontal, row);
    } else {
      FilterRow<1>(src_row, horizontal, row);
    }
  }

  Image dst{.width = window.width, .height = window.height, .channels = src.channels, .pixels = {}};
  dst.pixels.resize(static_cast<size_t>(window.height) * row_bytes);
  std::vector<int32_t> acc(row_bytes);
  for (size_t y = 0; y < static_cast<size_t>(window.height); ++y) {
    FilterColumns(rows.data() + static_cast<size_t>(vertical.first[y] - first_row) * row_bytes, row_bytes,
                  &vertical.weight[y * vertical.stride], vertical.count[y], acc.data(),
                  dst.pixels.data() + y * row_bytes);
  }
  return dst;
}

}  // namespace

Result<Image> ResizeBilinear(const Image& src, int64_t width, int64_t height, const Window& window) {
  const auto text = [](int64_t w, int64_t h) { return std::to_string(w) + " x " + std::to_string(h); };
  if (src.width < 1 || src.height < 1 || width < 1 || height < 1) {
    return Status::InvalidArgument("cannot resize an image of " + text(src.width, src.height) +
                                   " pixels to " + text(width, height) + "; both need at least one pixel");
  }
  if (window.left < 0 || window.top < 0 || window.width < 1 || window.height < 1 ||
      window.left > width - window.width || window.top > height - window.height) {
    return Status::InvalidArgument("window of " + text(window.width, window.height) + " at (" +
                                   std::to_string(window.left) + ", " + std::to_string(window.top) +
                                   ") is not inside the resized image of " + text(width, height));
  }
  try {
    return Resize(src, width, height, window);
  } catch (const std::exception&) {  // bad_alloc or length_error
    return Status::ResourceLimit("not enough memory to resize an image of " + text(src.width, src.height) +
                                 " pixels to " + text(width, height));
  }
}

}  // namespace qrun::image
