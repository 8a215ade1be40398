#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "runtime/cli/model_report.h"
#include "schema/cat.h"
#include "tests/fuzz/hostile_run.h"
#include "tests/runtime/guarded_runs.h"

namespace qrun::tests {
namespace {

constexpr size_t kGranted = size_t{16} << 20;
constexpr int64_t kMaxMacs = int64_t{1} << 29;
// Names, shapes and steps in memory, and weights padded to whole vectors, are some times what they are in the
// file.
constexpr size_t kPerFileByte = 64, kAnyway = size_t{32} << 20;

std::string Reason(const Status& status) {
  if (status.message().empty()) return "refused without a reason";
  return status.code() == StatusCode::kInternal ? "internal error: " + status.message() : "";
}

SessionOptions Options(unsigned variant, GuardedMemory& memory) {
  std::vector<std::string> isas;
  for (const IsaInfo& isa : Isas()) {
    if (isa.can_run) isas.push_back(isa.name);
  }
  SessionOptions options;
  options.isa = isas[variant % isas.size()];
  options.threads = 1 + static_cast<int>(variant / 2 % 2);
  options.batch = 1 + static_cast<int>(variant / 4 % 3);
  options.reproducible_float = variant % 3 != 0;
  options.profile = variant % 5 == 0;
  options.max_arena_bytes = kGranted;
  options.activation_memory = [&memory](size_t bytes) { return memory.Take(bytes); };
  return options;
}

// All outputs after a run on noise, as bytes; `readable` becomes false if one cannot be read as numbers.
std::vector<std::byte> OutputsOnNoise(Session& session, unsigned variant, bool& readable) {
  std::mt19937 random(variant);
  for (int i = 0; i < static_cast<int>(session.inputs().size()); ++i) {
    const bool is_float = session.inputs()[i].dtype == DType::kFloat32;
    std::span<std::byte> bytes = session.InputBytes(i);
    for (size_t at = 0; is_float && at + sizeof(float) <= bytes.size(); at += sizeof(float)) {
      const float value = static_cast<float>(random() >> 8) * 0x1p-20f - 8.0f;
      std::memcpy(bytes.data() + at, &value, sizeof(value));
    }
    for (size_t at = 0; !is_float && at < bytes.size(); ++at) bytes[at] = static_cast<std::byte>(random());
  }
  session.Run();
  std::vector<std::byte> all;
  for (int i = 0; i < static_cast<int>(session.outputs().size()); ++i) {
    const TensorInfo& output = session.outputs()[i];
    std::vector<float> values(static_cast<size_t>(output.ElementCount()));
    const bool is_number = output.dtype == DType::kFloat32 || output.dtype == DType::kInt8;
    readable = readable && session.GetOutput(i, values).ok() == is_number;
    // One not-a-number is as good as another.
    for (float& value : values) value = value == value ? value : std::numeric_limits<float>::quiet_NaN();
    const auto bytes = std::as_bytes(std::span(values));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

}  // namespace

HostileRun RunHostile(std::span<const std::byte> bytes, unsigned variant) {
  AllocationMeter::Reset();
  const Result<Model> model = Model::FromBytes(bytes);
  if (!model.ok()) return {HostileRun::kRefused, Reason(model.error())};
  GuardedMemory memory(variant % 2 ? GuardedMemory::Side::kFront : GuardedMemory::Side::kBack);
  SessionOptions options = Options(variant, memory);
  Result<Session> session = Session::Create(*model, options);
  const size_t allocated = AllocationMeter::Peak(), allowed = kPerFileByte * bytes.size() + kAnyway;
  if (allocated > allowed)
    return {HostileRun::kRan, Cat("allocated ", allocated, " bytes, allowed ", allowed)};
  if (cli::ModelText(cli::DescribeModel(*model)).empty()) return {HostileRun::kRan, "no description"};
  if (!session.ok()) return {HostileRun::kNotPlanned, Reason(session.error())};
  if (memory.bytes_taken() > kGranted)
    return {HostileRun::kRan, Cat("took ", memory.bytes_taken(), " bytes")};
  if (cli::PlanText(cli::DescribePlan(*session)).empty()) return {HostileRun::kRan, "no plan"};
  int64_t macs = 0;
  for (const StepInfo& step : session->steps()) macs += step.macs;
  if (macs > kMaxMacs) return {HostileRun::kTooMuchWork, ""};
  bool readable = true;
  const auto got = OutputsOnNoise(*session, variant, readable);
  if (!readable) return {HostileRun::kRan, "an output is not readable"};
  if (!options.reproducible_float) return {HostileRun::kRan, ""};
  options.activation_memory = nullptr;
  options.isa = "ref";
  options.threads = 1;
  Result<Session> reference = Session::Create(*model, options);
  if (!reference.ok()) return {HostileRun::kRan, "not planned on ref: " + reference.error().message()};
  if (OutputsOnNoise(*reference, variant, readable) != got) {
    return {HostileRun::kRan,
            Cat("other bytes than ref with 1 thread on ", session->isa(), " with ", session->threads())};
  }
  return {HostileRun::kRan, ""};
}

}  // namespace qrun::tests
