// What the two decoders share. Internal to runtime/image.
#ifndef QRUN_RUNTIME_IMAGE_CODEC_H_
#define QRUN_RUNTIME_IMAGE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/image/decode.h"
#include "runtime/image/image.h"
#include "schema/status.h"

namespace qrun::image {

// Contracts as DecodeImage; the caller has seen the signature.
Result<Image> DecodePng(std::span<const std::byte> bytes, const DecodeLimits& limits);
Result<Image> DecodeJpeg(std::span<const std::byte> bytes, const DecodeLimits& limits);

// A black RGB image of the size that a header states, or resource_limit. `format` begins the message.
Result<Image> NewRgbImage(std::string_view format, int64_t width, int64_t height, const DecodeLimits& limits);

// The decoders write grey values and palette indices of a row into the last third of the row's 3 * width
// bytes; this spreads them to the whole row in place: pixel x = table[index of x]. Going up, writing pixel x
// touches bytes up to 3x + 2, and the indices still to be read begin at 2 * width + x + 1, which is larger
// for every x < width - 1.
struct Rgb {
  uint8_t r, g, b;
};
inline void SpreadRow(uint8_t* row, size_t width, const Rgb* table) {
  for (size_t x = 0; x < width; ++x) {
    const Rgb colour = table[row[2 * width + x]];
    row[3 * x + 0] = colour.r;
    row[3 * x + 1] = colour.g;
    row[3 * x + 2] = colour.b;
  }
}

}  // namespace qrun::image

#endif  // QRUN_RUNTIME_IMAGE_CODEC_H_
