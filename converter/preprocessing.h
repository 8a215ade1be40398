// From what a user says about images to the file's Preprocessing.
#ifndef QRUN_CONVERTER_PREPROCESSING_H_
#define QRUN_CONVERTER_PREPROCESSING_H_

#include <string>
#include <vector>

#include "converter/graph.h"
#include "runtime/image/preprocess.h"
#include "schema/status.h"

namespace qrun::converter {

// Empty or 0: not said.
struct PreprocessingOptions {
  std::string preset;  // "torch", "tf" or "raw"
  std::string resize;  // pixels of the short side, "stretch" or "none"
  int crop = 0;        // pixels
  std::vector<float> mean,
      std;            // one for all channels, or one per channel in the model's order; for pixels in 0..1
  std::string color;  // "rgb", "bgr" or "gray"

  bool any() const {
    return !preset.empty() || !resize.empty() || crop != 0 || !mean.empty() || !std.empty() || !color.empty();
  }
};

// [1, H, W, C] in NHWC with C 1 or 3: an image can be given to this input.
bool IsImageInput(const Value& input);

// The preset, with what else is said in its place; no preset means torch. Real input = (pixel / 255 - mean) /
// std:
//   torch  mean 0.485 0.456 0.406, std 0.229 0.224 0.225 (grey: their averages 0.449, 0.226)
//   tf     mean 0.5, std 0.5: pixel / 127.5 - 1
//   raw    mean 0, std 1/255: the pixel, 0..255
// Geometry of all three: short side to round(max(H, W) * 256 / 224), then the centre H x W. Colour: gray for
// C = 1, else rgb. With bgr the torch constants are turned round too. Errors: invalid_argument, naming option
// and input.
Result<fb::PreprocessingT> MakePreprocessing(const PreprocessingOptions& options, const Value& input);

// The same for the functions that carry it out.
image::PreprocessSpec ToSpec(const fb::PreprocessingT& preprocessing);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PREPROCESSING_H_
