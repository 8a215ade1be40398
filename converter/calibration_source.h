// Samples to calibrate with: images in a folder or a list, or rows of .npy arrays.
#ifndef QRUN_CONVERTER_CALIBRATION_SOURCE_H_
#define QRUN_CONVERTER_CALIBRATION_SOURCE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// A list of samples; each gives values for all of the model's inputs.
// Thread safety: const functions may be called from several threads at once.
class CalibrationSource {
 public:
  virtual ~CalibrationSource() = default;
  virtual size_t size() const = 0;
  // What to call sample i in a message: a file's path, or "file.npy[3]".
  virtual std::string SampleName(size_t i) const = 0;
  // Fills inputs[k] (NHWC, one sample) for every model input k. Memory does not grow with i.
  // Errors: the sample is unusable; the message names its file.
  virtual Status Load(size_t i, std::span<const std::span<float>> inputs) const = 0;
};

// Opens what `path` names:
//  - a folder: its PNG and JPEG files, recursively, sorted by path; or, if it has none, its .npy files,
//    sorted. A folder for a model with several inputs has one array per input, called <input name>.npy, with
//    equal sample counts.
//  - a .csv file: the first field of each line is an image, relative to the list's folder; a first line
//    whose first field is "filename" is a header.
//  - a .npy file: [N, ...] with the sample in the source's layout or in NHWC (where both fit: the source's),
//    float or integer; the values are the model's input as they are. A uint8 array [N, H, W, 1 or 3] counts
//    as images, and is preprocessed, if `preprocessing` is given.
//  - one PNG or JPEG file.
//
// `inputs`: the graph's input values in NHWC. Errors: io; invalid_argument, naming what was found and what
// was expected.
Result<std::unique_ptr<CalibrationSource>> OpenCalibrationSource(
    const std::string& path, std::span<const Value* const> inputs,
    const std::optional<fb::PreprocessingT>& preprocessing);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_CALIBRATION_SOURCE_H_
