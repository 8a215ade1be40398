// Damages a model in many ways and runs each with RunHostile.
#ifndef QRUN_TESTS_FUZZ_DAMAGE_H_
#define QRUN_TESTS_FUZZ_DAMAGE_H_

#include <cstddef>
#include <span>
#include <string>

#include "tests/fuzz/hostile_run.h"

namespace qrun::tests {

struct DamageReport {
  int runs[HostileRun::kOutcomes] = {};
  std::string broken;  // the first promise that was not kept, with the damage that did it

  int total() const;
  void Add(const HostileRun& run, const std::string& what);
};

// "1200 runs: 900 refused, ..."
std::string Text(const DamageReport& report);

// Each stops at the first broken promise. `model`: an intact file; `schema`: qfb.fbs as flatc's binary.
//
// Every number of the file becomes each of HostileValues, or with at most `runs` of them, evenly spread.
DamageReport DamageScalars(std::span<const std::byte> model, std::span<const std::byte> schema, size_t runs);
// `runs` times two to four numbers at once, half of them of one operator's neighbourhood.
DamageReport DamageScalarsTogether(std::span<const std::byte> model, std::span<const std::byte> schema,
                                   size_t runs);
// `runs` times one to four bytes anywhere, or bits.
DamageReport DamageBytes(std::span<const std::byte> model, size_t runs);
// At most `runs` lengths, evenly spread.
DamageReport Truncate(std::span<const std::byte> model, size_t runs);

}  // namespace qrun::tests

#endif  // QRUN_TESTS_FUZZ_DAMAGE_H_
