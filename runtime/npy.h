// NumPy's .npy files: one array, in and out. Format:
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef QRUN_RUNTIME_NPY_H_
#define QRUN_RUNTIME_NPY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "schema/status.h"

namespace qrun {

// An array in C order, little endian. Invariant after reading: data.size() = product(shape) * size of dtype.
struct NpyArray {
  std::string dtype;            // "f4", "i1", "u1", "i4" or "i8": kind and bytes per element
  std::vector<int64_t> shape;   // empty for a scalar; an extent may be 0
  std::vector<std::byte> data;  // allocated by operator new: aligned for every dtype above
};

constexpr uint64_t kMaxNpyBytes = uint64_t{1} << 32;

// The array in the bytes of a .npy file of version 1, 2 or 3.
// Errors: invalid_argument if the bytes are no well-formed .npy file or their number does not match the
// shape; unsupported for big endian, Fortran order, other dtypes and other versions; resource_limit for more
// than 32 dimensions or an array beyond 2^63 bytes. Nothing is allocated from a number that the header
// states. Thread-safe.
Result<NpyArray> ParseNpy(std::vector<std::byte> bytes);

// ParseNpy of the file at `path`, and the errors of ReadFile. Errors name the path. Thread-safe.
Result<NpyArray> ReadNpy(const std::string& path, uint64_t max_bytes = kMaxNpyBytes);

// Writes `array` as a version 1 file, replacing `path` in one step (see WriteFile).
// Errors: invalid_argument if dtype is not one of the five or data does not match shape; io. Thread-safe.
Status WriteNpy(const std::string& path, const NpyArray& array);

}  // namespace qrun

#endif  // QRUN_RUNTIME_NPY_H_
