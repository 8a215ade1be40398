// Getting images and raw arrays into a session, and arrays out of it.
#ifndef QRUN_RUNTIME_CLI_INPUT_H_
#define QRUN_RUNTIME_CLI_INPUT_H_

#include <string>

#include "runtime/image/image.h"
#include "runtime/npy.h"
#include "runtime/qrun.h"

namespace qrun::cli {

// Decodes the image, preprocesses it as the model says and writes it as item `item` of the session's first
// input. Errors: io, invalid_argument (no image, or the model has no preprocessing).
Status SetImage(Session& session, const Model& model, const std::string& path, int item = 0);

// The two halves of SetImage after decoding, for tools that decode ahead of running: resizing and cropping as
// the model says, which needs no session, and writing the normalised pixels into the session. Errors: as
// SetImage. Thread safety: FitImage may be called from several threads at once.
Result<image::Image> FitImage(const Model& model, const image::Image& decoded);
Status SetFittedImage(Session& session, const Model& model, const image::Image& fitted, int item = 0);

// Whether this build's preprocessing makes the bytes of the golden image that the converter's made. Ok if the
// file does not say. Errors: internal, with both hashes; those of image::GoldenHash.
Status CheckGolden(const Model& model);

// Copies an array into input i. Its shape is the input's, or [N, C, H, W] where the source model stated the
// input so; float32 and uint8 values are real numbers (quantised if the input is int8), int8 values are taken
// as they are if the input is int8. Errors: invalid_argument, naming both shapes.
Status SetArray(Session& session, int i, const NpyArray& array);

// Number of items in an array for input i: its first extent. Errors: invalid_argument if the rest does not
// fit.
Result<int> BatchOf(const Model& model, int i, const NpyArray& array);

// Output i as an array in the source model's layout: real numbers, or with `raw` the bytes as they are
// (int8).
Result<NpyArray> GetArray(const Session& session, int i, bool raw);

}  // namespace qrun::cli

#endif  // QRUN_RUNTIME_CLI_INPUT_H_
