#include "runtime/image/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "runtime/image/resize.h"

namespace qrun::image {
namespace {

constexpr int kMaxSide = 65535;

std::string Text(int64_t height, int64_t width) {
  return std::to_string(height) + " x " + std::to_string(width);
}

float Real(int pixel, float mean, float std) { return (static_cast<float>(pixel) / 255.0f - mean) / std; }

// clamp(rhe(src * inv_scale) + zp, -128, 127), NaN -> zp.
int8_t Quantize(float src, float inv_scale, int zp) {
  const float scaled = std::nearbyint(src * inv_scale);
  // Beyond +-512 the result is clamped whatever zp is, and float -> int would overflow.
  const int rounded = std::isnan(scaled) ? 0 : static_cast<int>(std::clamp(scaled, -512.0f, 512.0f));
  return static_cast<int8_t>(std::clamp(rounded + zp, -128, 127));
}

// dst[i] = tables[c][pixel i], where c is i's channel.
template <class T>
void MapPixels(const Image& image, const std::array<std::array<T, 256>, 3>& tables, T* dst) {
  const uint8_t* src = image.pixels.data();
  const size_t n = image.pixels.size();
  if (image.channels == 1) {
    for (size_t i = 0; i < n; ++i) dst[i] = tables[0][src[i]];
    return;
  }
  for (size_t i = 0; i < n; i += 3) {
    for (size_t c = 0; c < 3; ++c) dst[i + c] = tables[c][src[i + c]];
  }
}

// dst[i] = pixels[i] - 128: its highest bit is the other one.
void MovePixels(const std::vector<uint8_t>& pixels, int8_t* dst) {
  constexpr uint64_t kHighest = 0x8080808080808080u;
  const uint8_t* src = pixels.data();
  const size_t n = pixels.size();
  size_t i = 0;
  for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
    uint64_t eight;
    std::memcpy(&eight, src + i, sizeof(eight));
    eight ^= kHighest;
    std::memcpy(dst + i, &eight, sizeof(eight));
  }
  for (; i < n; ++i) dst[i] = static_cast<int8_t>(src[i] ^ 0x80);
}

Image ToGrey(const Image& rgb) {
  Image grey{.width = rgb.width, .height = rgb.height, .channels = 1, .pixels = {}};
  grey.pixels.resize(rgb.pixels.size() / 3);
  for (size_t i = 0; i < grey.pixels.size(); ++i) {
    const uint8_t* p = &rgb.pixels[3 * i];
    grey.pixels[i] = static_cast<uint8_t>((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16);
  }
  return grey;
}

// int(round(margin / 2.0)) of Python, which rounds halves to even.
int64_t RoundedHalf(int64_t margin) {
  const int64_t down = margin / 2;
  return margin % 2 == 0 ? down : down + down % 2;
}

// One axis of the centre crop: where it begins in the image, where the image begins in it, and how much they
// share.
struct Overlap {
  int64_t src_begin = 0;
  int dst_begin = 0;
  int size = 0;
};

Overlap CentreCrop(int64_t size, int crop) {
  if (crop > size) return {0, static_cast<int>((crop - size) / 2), static_cast<int>(size)};
  return {RoundedHalf(size - crop), 0, crop};
}

// Places `src` with its corner at (left, top) of a black width x height image, in the channels and order of
// `color`.
Image Place(const Image& src, int left, int top, int width, int height, PreprocessSpec::Color color) {
  const int channels = color == PreprocessSpec::kGray ? 1 : 3;
  Image dst{.width = width, .height = height, .channels = channels, .pixels = {}};
  dst.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(channels));
  // The source's byte for each channel of the destination.
  const std::array<size_t, 3> order = src.channels == 1               ? std::array<size_t, 3>{0, 0, 0}
                                      : color == PreprocessSpec::kBgr ? std::array<size_t, 3>{2, 1, 0}
                                                                      : std::array<size_t, 3>{0, 1, 2};
  const auto src_step = static_cast<size_t>(src.channels);
  const auto dst_step = static_cast<size_t>(channels);
  for (size_t y = 0; y < static_cast<size_t>(src.height); ++y) {
    const uint8_t* s = src.pixels.data() + y * static_cast<size_t>(src.width) * src_step;
    uint8_t* d =
        dst.pixels.data() +
        ((y + static_cast<size_t>(top)) * static_cast<size_t>(width) + static_cast<size_t>(left)) * dst_step;
    for (size_t x = 0; x < static_cast<size_t>(src.width); ++x, s += src_step, d += dst_step) {
      for (size_t c = 0; c < dst_step; ++c) d[c] = s[order[c]];
    }
  }
  return dst;
}

Result<Image> GeometryOrThrow(const Image& image, const PreprocessSpec& spec) {
  const Image* src = &image;
  Image grey;
  if (spec.color == PreprocessSpec::kGray && image.channels == 3) {
    grey = ToGrey(image);
    src = &grey;
  }
  if (spec.rule == PreprocessSpec::kNone) return Place(*src, 0, 0, spec.crop_w, spec.crop_h, spec.color);

  int64_t width = spec.crop_w;
  int64_t height = spec.crop_h;
  if (spec.rule == PreprocessSpec::kShortSide) {
    const int64_t longer = std::max(src->width, src->height);
    const int64_t shorter = std::min(src->width, src->height);
    // Python's true division of the exact product, then int(); below 2^53 the integer quotient is the same.
    const int64_t resized = spec.resize * longer / shorter;
    width = src->width <= src->height ? spec.resize : resized;
    height = src->width <= src->height ? resized : spec.resize;
  }
  const Overlap h = CentreCrop(height, spec.crop_h);
  const Overlap w = CentreCrop(width, spec.crop_w);
  QRUN_ASSIGN_OR_RETURN(Image resized,
                        ResizeBilinear(*src, width, height, {w.src_begin, h.src_begin, w.size, h.size}));
  if (resized.width == spec.crop_w && resized.height == spec.crop_h && resized.channels == spec.channels() &&
      spec.color != PreprocessSpec::kBgr) {
    return resized;
  }
  return Place(resized, w.dst_begin, h.dst_begin, spec.crop_w, spec.crop_h, spec.color);
}

}  // namespace

Status ValidateSpec(const PreprocessSpec& spec) {
  const auto bad_side = [](int side) { return side < 1 || side > kMaxSide; };
  if (bad_side(spec.crop_h) || bad_side(spec.crop_w)) {
    return Status::InvalidArgument("preprocessing crops to " + Text(spec.crop_h, spec.crop_w) +
                                   "; expected sides of 1 to " + std::to_string(kMaxSide));
  }
  if (spec.rule == PreprocessSpec::kShortSide && bad_side(spec.resize)) {
    return Status::InvalidArgument("preprocessing resizes the short side to " + std::to_string(spec.resize) +
                                   "; expected 1 to " + std::to_string(kMaxSide));
  }
  const auto channels = static_cast<size_t>(spec.channels());
  if (spec.mean.size() != channels || spec.std.size() != channels) {
    return Status::InvalidArgument("preprocessing has " + std::to_string(spec.mean.size()) + " means and " +
                                   std::to_string(spec.std.size()) + " standard deviations; expected " +
                                   std::to_string(channels) + " of each, one per channel");
  }
  for (size_t c = 0; c < channels; ++c) {
    if (!std::isfinite(spec.mean[c]) || !std::isfinite(spec.std[c]) || spec.std[c] == 0.0f) {
      return Status::InvalidArgument("preprocessing of channel " + std::to_string(c) + " has mean " +
                                     std::to_string(spec.mean[c]) + " and standard deviation " +
                                     std::to_string(spec.std[c]) +
                                     "; expected finite numbers, the latter not 0");
    }
  }
  return Status::Ok();
}

Result<Image> Geometry(const Image& image, const PreprocessSpec& spec) {
  QRUN_RETURN_IF_ERROR(ValidateSpec(spec));
  if (image.width < 1 || image.height < 1) return Status::InvalidArgument("the image has no pixels");
  if (spec.rule == PreprocessSpec::kNone && (image.width != spec.crop_w || image.height != spec.crop_h)) {
    return Status::InvalidArgument("the image is " + Text(image.height, image.width) +
                                   " (height x width), the model takes " + Text(spec.crop_h, spec.crop_w) +
                                   " and resizes nothing; resize the image");
  }
  try {
    return GeometryOrThrow(image, spec);
  } catch (const std::exception&) {  // bad_alloc or length_error
    return Status::ResourceLimit("not enough memory to bring an image of " + Text(image.height, image.width) +
                                 " (height x width) to " + Text(spec.crop_h, spec.crop_w));
  }
}

void NormalizeF32(const Image& image, const PreprocessSpec& spec, float* dst_nhwc) {
  std::array<std::array<float, 256>, 3> tables;
  for (size_t c = 0; c < static_cast<size_t>(image.channels); ++c) {
    for (int p = 0; p < 256; ++p) tables[c][static_cast<size_t>(p)] = Real(p, spec.mean[c], spec.std[c]);
  }
  MapPixels(image, tables, dst_nhwc);
}

void NormalizeS8(const Image& image, const PreprocessSpec& spec, const InputQuantization& quantization,
                 int8_t* dst_nhwc) {
  const float inv_scale = 1.0f / quantization.scale;
  std::array<std::array<int8_t, 256>, 3> tables;
  bool only_moves = true;
  for (size_t c = 0; c < static_cast<size_t>(image.channels); ++c) {
    for (int p = 0; p < 256; ++p) {
      float real = Real(p, spec.mean[c], spec.std[c]);
      if (!quantization.channel_offset.empty()) {
        const float scaled = real * quantization.channel_scale[c];
        real = scaled + quantization.channel_offset[c];
      }
      const int8_t value = Quantize(real, inv_scale, quantization.zero_point);
      tables[c][static_cast<size_t>(p)] = value;
      only_moves = only_moves && value == p - 128;
    }
  }
  if (!only_moves) return MapPixels(image, tables, dst_nhwc);
  MovePixels(image.pixels, dst_nhwc);
}

}  // namespace qrun::image
