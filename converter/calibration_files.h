// The files behind a calibration path.
#ifndef QRUN_CONVERTER_CALIBRATION_FILES_H_
#define QRUN_CONVERTER_CALIBRATION_FILES_H_

#include <string>
#include <vector>

#include "schema/status.h"

namespace qrun::converter {

struct CalibrationFiles {
  enum class Kind { kImages, kArrays };
  Kind kind = Kind::kImages;
  std::vector<std::string> paths;  // not empty
};

// What OpenCalibrationSource says about folders, lists and files, without opening any of `paths`.
// Errors: io (missing, unreadable); invalid_argument (an empty folder or list, an unknown kind of file).
Result<CalibrationFiles> FindCalibrationFiles(const std::string& path);

// SHA-256 of the files' SHA-256, as hexadecimal digits, one after the other, in the order in which they are
// used; files that cannot be read are left out. Errors: those of FindCalibrationFiles.
Result<std::string> HashCalibrationFiles(const std::string& path);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_CALIBRATION_FILES_H_
