// PNG and JPEG bytes to RGB pixels.
//
// The pixels are those of Pillow 9.4's Image.open(path).convert("RGB"), byte for byte:
// - grey is replicated, palettes are looked up (an index beyond the palette becomes that grey level);
// - alpha and tRNS are dropped, not composited; 16-bit samples keep their high byte; gamma and colour
//   profiles are ignored; of an animated PNG the default image is decoded;
// - JPEG: accurate integer DCT, fancy upsampling; CMYK and YCCK are taken as inverted, as Adobe writes them;
// - the orientation in EXIF is not applied. Pillow's open() does not apply it either.
//
// Where they differ, on purpose:
// - 16-bit grey PNG keeps the high byte like the other 16-bit types; Pillow clips values above 255 to white.
// - PNG is read more strictly: a bad checksum of the image data, a palette image without a palette and a file
//   that ends before its IEND chunk are errors. In JPEG, bad entropy-coded data is decoded as far as it goes,
//   as in Pillow; a file that ends before its last row is an error in both.
// - A JPEG of more than 500 scans is refused: each scan costs a pass over the whole image.
//
// Errors: invalid_argument for bytes that are neither PNG nor JPEG, corrupt or truncated; unsupported for a
// valid JPEG of a kind that libjpeg-turbo does not decode (12 bits, lossless, two components); resource_limit
// beyond DecodeLimits, checked on the header before pixels are allocated. Nothing is printed. Thread-safe.
#ifndef QRUN_RUNTIME_IMAGE_DECODE_H_
#define QRUN_RUNTIME_IMAGE_DECODE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "runtime/image/image.h"
#include "schema/status.h"

namespace qrun::image {

struct DecodeLimits {
  int64_t max_pixels = 100'000'000;             // width * height
  int64_t max_side = 65'535;                    // width, height
  uint64_t max_file_bytes = uint64_t{1} << 28;  // ReadImage only
};

// The image in `bytes`, told apart by its signature; channels = 3.
Result<Image> DecodeImage(std::span<const std::byte> bytes, const DecodeLimits& limits = {});

// DecodeImage of the file at `path`. Errors name the path; io if it cannot be read.
Result<Image> ReadImage(const std::string& path, const DecodeLimits& limits = {});

}  // namespace qrun::image

#endif  // QRUN_RUNTIME_IMAGE_DECODE_H_
