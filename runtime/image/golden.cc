#include "runtime/image/golden.h"

#include <bit>
#include <new>
#include <span>
#include <vector>

namespace qrun::image {
namespace {

struct Size {
  int width, height;
};
constexpr Size kSizes[] = {{61, 47}, {487, 365}};

class Fnv1a {
 public:
  void Add(uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3u; }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

Status AddInput(const PreprocessSpec& spec, const std::optional<InputQuantization>& quantization, Size size,
                Fnv1a& hash) {
  QRUN_ASSIGN_OR_RETURN(const Image fitted, Geometry(GoldenImage(size.width, size.height), spec));
  if (quantization) {
    std::vector<int8_t> values(fitted.pixels.size());
    NormalizeS8(fitted, spec, *quantization, values.data());
    for (int8_t value : values) hash.Add(static_cast<uint8_t>(value));
    return Status::Ok();
  }
  std::vector<float> values(fitted.pixels.size());
  NormalizeF32(fitted, spec, values.data());
  for (float value : values) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) hash.Add(static_cast<uint8_t>(bits >> shift));
  }
  return Status::Ok();
}

}  // namespace

Image GoldenImage(int width, int height) {
  Image image{.width = width, .height = height, .channels = 3, .pixels = {}};
  image.pixels.reserve(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  for (unsigned y = 0; y < static_cast<unsigned>(height); ++y) {
    for (unsigned x = 0; x < static_cast<unsigned>(width); ++x) {
      for (unsigned c = 0; c < 3; ++c) {
        image.pixels.push_back(
            static_cast<uint8_t>(3 * x + 5 * y + 85 * c + ((x * y) >> 2) + 31 * ((x ^ y) >> (c + 1))));
      }
    }
  }
  return image;
}

Result<uint64_t> GoldenHash(const PreprocessSpec& spec,
                            const std::optional<InputQuantization>& quantization) try {
  Fnv1a hash;
  if (spec.rule == PreprocessSpec::kNone) {
    QRUN_RETURN_IF_ERROR(AddInput(spec, quantization, {spec.crop_w, spec.crop_h}, hash));
  } else {
    for (const Size size : kSizes) QRUN_RETURN_IF_ERROR(AddInput(spec, quantization, size, hash));
  }
  return hash.value() == 0 ? uint64_t{1} : hash.value();
} catch (const std::bad_alloc&) {
  return Status::ResourceLimit("not enough memory to preprocess the golden image");
}

}  // namespace qrun::image
