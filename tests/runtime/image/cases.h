// The cases that make_cases.py wrote, one per line of cases.txt:
//   decode FILE EXPECTED                  EXPECTED: .npy of [height, width, 3] u1, or "error"
//   resize SRC WIDTH HEIGHT DST           .npy of [height, width, channels] u1
//   preprocess SRC RULE RESIZE CROP_H CROP_W COLOR MEAN... STD... SCALE ZERO_POINT U1 F4 I1
//                                         U1, F4, I1: results of Geometry, NormalizeF32 and NormalizeS8
#ifndef QRUN_TESTS_RUNTIME_IMAGE_CASES_H_
#define QRUN_TESTS_RUNTIME_IMAGE_CASES_H_

#include <sstream>
#include <string>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/npy.h"

namespace qrun::image {

// The rest of each line that begins with `kind`. Throws if there is none.
std::vector<std::istringstream> CasesOf(const std::string& kind);

// The path of a file of the cases.
std::string CasePath(const std::string& name);

// An array of the cases, or an image from it. Throws if it cannot be read.
NpyArray CaseArray(const std::string& name);
Image CaseImage(const std::string& name);

}  // namespace qrun::image

#endif  // QRUN_TESTS_RUNTIME_IMAGE_CASES_H_
