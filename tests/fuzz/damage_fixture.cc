#include <algorithm>
#include <random>
#include <vector>

#include "schema/cat.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/scalars.h"

namespace qrun::tests {
namespace {

constexpr size_t kNeighbours = 40;  // numbers of about one operator, as the file lists them

std::vector<std::byte> Copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

int DamageReport::total() const {
  int sum = 0;
  for (int count : runs) sum += count;
  return sum;
}

void DamageReport::Add(const HostileRun& run, const std::string& what) {
  ++runs[run.outcome];
  if (!run.broken.empty()) broken = Cat(what, ": ", run.broken);
}

std::string Text(const DamageReport& report) {
  return Cat(report.total(), " runs: ", report.runs[HostileRun::kRefused], " refused, ",
             report.runs[HostileRun::kNotPlanned], " not planned, ", report.runs[HostileRun::kTooMuchWork],
             " too much work, ", report.runs[HostileRun::kRan], " ran");
}

DamageReport DamageScalars(std::span<const std::byte> model, std::span<const std::byte> schema, size_t runs) {
  struct Change {
    const Scalar* scalar;
    uint64_t value;
  };
  const std::vector<Scalar> scalars = FindScalars(model, schema);
  std::vector<Change> changes;
  for (const Scalar& scalar : scalars) {
    for (uint64_t value : HostileValues(model, scalar)) changes.push_back({&scalar, value});
  }
  DamageReport report;
  const size_t count = std::min(runs, changes.size());
  for (size_t i = 0; i < count && report.broken.empty(); ++i) {
    const Change& change = changes[changes.size() * i / count];
    std::vector<std::byte> bytes = Copy(model);
    WriteScalar(bytes, *change.scalar, change.value);
    report.Add(RunHostile(bytes, static_cast<unsigned>(i)), Cat(change.scalar->path, " = ", change.value));
  }
  return report;
}

DamageReport DamageScalarsTogether(std::span<const std::byte> model, std::span<const std::byte> schema,
                                   size_t runs) {
  const std::vector<Scalar> scalars = FindScalars(model, schema);
  std::mt19937 random(11);
  DamageReport report;
  for (size_t i = 0; i < runs && report.broken.empty(); ++i) {
    std::vector<std::byte> bytes = Copy(model);
    std::string what;
    const size_t first = random() % scalars.size();
    for (int left = 2 + static_cast<int>(random() % 3); left-- > 0;) {
      const size_t near = std::min(scalars.size() - 1, first + random() % kNeighbours);
      const Scalar& scalar = scalars[i % 2 ? near : random() % scalars.size()];
      const std::vector<uint64_t> values = HostileValues(model, scalar);
      const uint64_t value = values[random() % values.size()];
      WriteScalar(bytes, scalar, value);
      what += Cat(scalar.path, " = ", value, "; ");
    }
    report.Add(RunHostile(bytes, static_cast<unsigned>(i)), what);
  }
  return report;
}

DamageReport DamageBytes(std::span<const std::byte> model, size_t runs) {
  std::mt19937 random(12);
  DamageReport report;
  for (size_t i = 0; i < runs && report.broken.empty(); ++i) {
    std::vector<std::byte> bytes = Copy(model);
    std::string what;
    for (int left = 1 + static_cast<int>(random() % 4); left-- > 0;) {
      std::byte& at = bytes[random() % bytes.size()];
      at = i % 2 ? static_cast<std::byte>(random()) : at ^ std::byte(1 << random() % 8);
      what += Cat("byte ", &at - bytes.data(), " = ", static_cast<int>(at), "; ");
    }
    report.Add(RunHostile(bytes, static_cast<unsigned>(i)), what);
  }
  return report;
}

DamageReport Truncate(std::span<const std::byte> model, size_t runs) {
  DamageReport report;
  const size_t count = std::min(runs, model.size());
  for (size_t i = 0; i < count && report.broken.empty(); ++i) {
    const size_t size = model.size() * i / count;
    HostileRun run = RunHostile(model.first(size), static_cast<unsigned>(i));
    if (run.outcome != HostileRun::kRefused) run.broken = "a part of a model was accepted";
    report.Add(run, Cat(size, " bytes"));
  }
  return report;
}

}  // namespace qrun::tests
