// bench_kernels: times every kernel on every instruction set that can run here, each checked against the
// reference before it is timed. Options are Google Benchmark's, and --check to only check.
#include <cstdio>
#include <map>
#include <random>
#include <string_view>

#include "bench/kernels/cases.h"

namespace qrun::bench {

std::vector<int8_t> RandomBytes(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int8_t> values(count);
  for (int8_t& value : values) value = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
  return values;
}

std::vector<float> RandomFloats(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
  return values;
}

namespace {

std::vector<Row> AllRows() {
  std::vector<Row> rows;
#define QRUN_KERNEL(name, Args) Add_##name(rows);
#include "kernels/kernel_list.inc"
#undef QRUN_KERNEL
  return rows;
}

int CheckAll(const std::vector<Row>& rows) {
  int wrong = 0;
  for (const Row& row : rows) {
    const std::string difference = row.check();
    if (difference.empty()) continue;
    std::printf("%s: %s\n", row.name.c_str(), difference.c_str());
    ++wrong;
  }
  std::printf("%zu cases checked, %d differ from ref\n", rows.size(), wrong);
  return wrong == 0 ? 0 : 1;
}

// Google Benchmark calls the function several times to find its number of iterations; one check is enough.
void TimeChecked(const Row& row, benchmark::State& state) {
  static std::map<std::string, std::string> checked;
  const auto [at, is_new] = checked.try_emplace(row.name);
  if (is_new) at->second = row.check();
  if (at->second.empty()) {
    row.time(state);
  } else {
    state.SkipWithError(at->second.c_str());
  }
}

}  // namespace
}  // namespace qrun::bench

int main(int argc, char** argv) {
  const std::vector<qrun::bench::Row> rows = qrun::bench::AllRows();
  if (argc == 2 && std::string_view(argv[1]) == "--check") return qrun::bench::CheckAll(rows);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const auto& row : rows) {
    benchmark::RegisterBenchmark(row.name.c_str(), [&row](benchmark::State& state) {
      qrun::bench::TimeChecked(row, state);
    })->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
