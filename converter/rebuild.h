// Making a model file again from what it says of itself.
#ifndef QRUN_CONVERTER_REBUILD_H_
#define QRUN_CONVERTER_REBUILD_H_

#include <string>
#include <vector>

#include "schema/status.h"

namespace qrun::converter {

// What a file was made from, as found on this machine.
struct RebuildRecipe {
  std::vector<std::string> arguments;         // options as qconvert takes them
  std::string source_path, calibration_path;  // calibration_path: empty for float models
  std::string source_name, calibration_name;  // as recorded
  std::vector<std::string> labels;
  std::string producer;
};

// Reads the file's provenance and finds its source and calibration data: at the paths given, or if they are
// empty under their recorded names beside the model or in the working directory. Errors: io (a file is not
// there); invalid_argument, naming both hashes, if one is not what the model was made from, and if the file
// records too little (written by an older version); those of Model::Open.
Result<RebuildRecipe> ReadRebuildRecipe(const std::string& model_path, const std::string& source_path,
                                        const std::string& calibration_path);

// Whether the two files are equal byte for byte. The error says where they first differ and who wrote them.
Status CheckRebuilt(const std::string& model_path, const std::string& rebuilt_path);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REBUILD_H_
