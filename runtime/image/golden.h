// A test picture that every build makes alike, and a fingerprint of what preprocessing makes of it.
#ifndef QRUN_RUNTIME_IMAGE_GOLDEN_H_
#define QRUN_RUNTIME_IMAGE_GOLDEN_H_

#include <cstdint>
#include <optional>

#include "runtime/image/image.h"
#include "runtime/image/preprocess.h"
#include "schema/status.h"

namespace qrun::image {

// RGB; byte c of the pixel in column x and row y is
//   (3 x + 5 y + 85 c + ((x y) >> 2) + 31 ((x ^ y) >> (c + 1))) mod 256:
// ramps, curves and edges that differ between channels.
Image GoldenImage(int width, int height);

// FNV-1a, 64 bits, over the input bytes (int8 with `quantization`, else binary32 little-endian) that Geometry
// and Normalize make of two golden images: 61 x 47 and 487 x 365 pixels (width x height), mostly one to
// enlarge and one to shrink; with PreprocessSpec::kNone of the one size that fits. Never 0. The same on every
// machine. Errors: those of Geometry.
Result<uint64_t> GoldenHash(const PreprocessSpec& spec, const std::optional<InputQuantization>& quantization);

}  // namespace qrun::image

#endif  // QRUN_RUNTIME_IMAGE_GOLDEN_H_
