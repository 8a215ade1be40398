#include "runtime/image/decode.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "runtime/file.h"
#include "runtime/image/codec.h"

namespace qrun::image {
namespace {

constexpr uint8_t kPngSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr uint8_t kJpegSignature[] = {0xff, 0xd8, 0xff};

template <size_t n>
bool StartsWith(std::span<const std::byte> bytes, const uint8_t (&signature)[n]) {
  return bytes.size() >= n && std::equal(signature, signature + n, bytes.begin(),
                                         [](uint8_t want, std::byte got) { return std::byte{want} == got; });
}

// The first bytes as text for a message: GIF89a, or \x00\x01.
std::string Printable(std::span<const std::byte> bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes.first(std::min<size_t>(bytes.size(), 8))) {
    const auto value = std::to_integer<unsigned>(byte);
    if (value >= 0x20 && value < 0x7f && value != '\\') {
      text += static_cast<char>(value);
    } else {
      text += {'\\', 'x', kHex[value >> 4], kHex[value & 15]};
    }
  }
  return text;
}

}  // namespace

Result<Image> NewRgbImage(std::string_view format, int64_t width, int64_t height,
                          const DecodeLimits& limits) {
  const std::string what =
      std::string(format) + " of " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width > limits.max_side || height > limits.max_side) {
    return Status::ResourceLimit(what + ": a side exceeds the limit of " + std::to_string(limits.max_side));
  }
  // Divided, not multiplied: the caller's limits may allow products beyond 64 bits.
  if (width > 0 && height > limits.max_pixels / width) {
    return Status::ResourceLimit(what + " exceeds the limit of " + std::to_string(limits.max_pixels) +
                                 " pixels");
  }
  Image image{
      .width = static_cast<int>(width), .height = static_cast<int>(height), .channels = 3, .pixels = {}};
  try {
    image.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  } catch (const std::exception&) {  // bad_alloc or length_error
    return Status::ResourceLimit("not enough memory for a " + what);
  }
  return image;
}

Result<Image> DecodeImage(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  if (StartsWith(bytes, kPngSignature)) return DecodePng(bytes, limits);
  if (StartsWith(bytes, kJpegSignature)) return DecodeJpeg(bytes, limits);
  if (bytes.empty()) return Status::InvalidArgument("empty; expected a PNG or JPEG image");
  return Status::InvalidArgument("neither PNG nor JPEG: it starts with \"" + Printable(bytes) +
                                 "\"; convert the image to one of the two");
}

Result<Image> ReadImage(const std::string& path, const DecodeLimits& limits) {
  Result<std::vector<std::byte>> bytes = ReadFile(path, limits.max_file_bytes);
  if (!bytes.ok()) return bytes.error().Annotate("expected a PNG or JPEG image");
  Result<Image> image = DecodeImage(*bytes, limits);
  if (!image.ok()) return image.error().Annotate("'" + path + "'");
  return image;
}

}  // namespace qrun::image
