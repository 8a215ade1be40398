// damage_files <binary schema> <runs> MODEL...: damages each model in `runs` ways of each kind and runs what
// becomes of it. Ends with 1 at the first promise that is not kept (tests/fuzz/hostile_run.h).
#include <cstdio>
#include <cstdlib>

#include "runtime/file.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/every_operator.h"

int main(int argc, char** argv) {
  using namespace qrun;
  if (argc < 4) return std::fprintf(stderr, "usage: damage_files <binary schema> <runs> MODEL...\n"), 2;
  constexpr uint64_t kMaxBytes = uint64_t{1} << 30;
  const auto schema = ReadFile(argv[1], kMaxBytes);
  if (!schema.ok()) return std::fprintf(stderr, "%s\n", schema.error().message().c_str()), 1;
  const size_t runs = std::strtoul(argv[2], nullptr, 10);
  for (int i = 3; i < argc; ++i) {
    if (const auto model = Model::Open(argv[i]); !model.ok()) {
      return std::fprintf(stderr, "%s\n", model.error().message().c_str()), 1;
    }
    const auto file = ReadFile(argv[i], kMaxBytes);
    if (!file.ok()) return std::fprintf(stderr, "%s\n", file.error().message().c_str()), 1;
    const auto bytes = tests::WithDefaultsStated(*fb::UnPackModel(file->data()));
    for (const tests::DamageReport& report :
         {tests::DamageScalars(bytes, *schema, runs), tests::DamageScalarsTogether(bytes, *schema, runs),
          tests::DamageBytes(bytes, runs), tests::Truncate(bytes, runs)}) {
      std::printf("%s: %s\n", argv[i], tests::Text(report).c_str());
      if (!report.broken.empty()) return std::fprintf(stderr, "%s\n", report.broken.c_str()), 1;
    }
  }
  return 0;
}
