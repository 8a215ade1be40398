#include "converter/calibration_source.h"

#include <algorithm>
#include <filesystem>

#include "converter/calibration_files.h"
#include "converter/image_source.h"
#include "converter/npy_source.h"
#include "converter/preprocessing.h"

namespace qrun::converter {
namespace {

// One list of arrays per input: all of `paths` for a single input, else the file called like the input.
Result<std::vector<std::vector<std::string>>> AssignArrays(const std::string& path,
                                                           std::vector<std::string> paths,
                                                           std::span<const Value* const> inputs) {
  if (inputs.size() == 1) return std::vector<std::vector<std::string>>{std::move(paths)};
  std::vector<std::vector<std::string>> assigned;
  for (const Value* input : inputs) {
    const auto found = std::find_if(paths.begin(), paths.end(), [&](const std::string& candidate) {
      return std::filesystem::path(candidate).filename() == input->name + ".npy";
    });
    if (found == paths.end()) {
      return Status::InvalidArgument("'" + path + "' has no array for input '" + input->name +
                                     "': a model with " + std::to_string(inputs.size()) +
                                     " inputs expects a folder with one <input name>.npy each");
    }
    assigned.push_back({*found});
  }
  return assigned;
}

}  // namespace

Result<std::unique_ptr<CalibrationSource>> OpenCalibrationSource(
    const std::string& path, std::span<const Value* const> inputs,
    const std::optional<fb::PreprocessingT>& preprocessing) {
  QRUN_ASSIGN_OR_RETURN(CalibrationFiles files, FindCalibrationFiles(path));
  std::optional<image::PreprocessSpec> spec;
  if (preprocessing) {
    spec = ToSpec(*preprocessing);
    QRUN_RETURN_IF_ERROR(image::ValidateSpec(*spec));
  }
  if (files.kind == CalibrationFiles::Kind::kArrays) {
    QRUN_ASSIGN_OR_RETURN(auto arrays, AssignArrays(path, std::move(files.paths), inputs));
    return NpySource::Open(std::move(arrays), inputs, std::move(spec));
  }
  if (inputs.size() != 1 || !spec) {
    return Status::InvalidArgument("'" + path + "' holds images, but the model " +
                                   (inputs.size() == 1 ? "input '" + inputs[0]->name + "' " +
                                                             ShapeString(inputs[0]->shape) + " takes none"
                                                       : "has " + std::to_string(inputs.size()) + " inputs") +
                                   "; give .npy arrays");
  }
  return std::unique_ptr<CalibrationSource>(
      std::make_unique<ImageSource>(std::move(files.paths), std::move(*spec)));
}

}  // namespace qrun::converter
