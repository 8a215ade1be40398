// Every number that a .qfb file holds, found through the schema: where a damaged file can lie.
#ifndef QRUN_TESTS_FUZZ_SCALARS_H_
#define QRUN_TESTS_FUZZ_SCALARS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qrun::tests {

// A little-endian number of `size` bytes at byte `at` of the file.
struct Scalar {
  size_t at;
  int size;
  bool is_float;
  std::string path;  // "operators[3].options.stride_h", "tensors.length", "name.offset"
};

// All fields of all tables, the first and the last entries of every list of numbers, and the lengths and
// offsets between them. Fields that a file leaves out, as defaults are, are not there: pack with
// ForceDefaults. `bytes` is an intact model, `schema` the binary schema that flatc makes of qfb.fbs.
std::vector<Scalar> FindScalars(std::span<const std::byte> bytes, std::span<const std::byte> schema);

// What to write over a scalar: bounds of its type, bounds of the format, neighbours of what is there. Low
// `size` bytes count.
std::vector<uint64_t> HostileValues(std::span<const std::byte> bytes, const Scalar& scalar);

void WriteScalar(std::span<std::byte> bytes, const Scalar& scalar, uint64_t value);

}  // namespace qrun::tests

#endif  // QRUN_TESTS_FUZZ_SCALARS_H_
