// Child processes and what they measure of their memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "bench/lib/child_process.h"
#include "bench/lib/cold_start.h"
#include "bench/lib/process_memory.h"
#include "tests/bench/models.h"
#include "tests/bench/scratch.h"

namespace qrun::bench {
namespace {

TEST(RunInChild, ReturnsWhatTheWorkReturns) {
  int changed = 0;
  const auto result = RunInChild([&]() -> Result<std::string> {
    changed = 1;
    return std::string(100'000, 'x') + std::string("\0y", 2);
  });
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(*result, std::string(100'000, 'x') + std::string("\0y", 2));
  EXPECT_EQ(changed, 0);
}

TEST(RunInChild, PassesErrorsOn) {
  const auto result = RunInChild([]() -> Result<std::string> { return Status::ResourceLimit("too much"); });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), StatusCode::kResourceLimit);
  EXPECT_EQ(result.error().message(), "too much");
}

TEST(RunInChild, ADeathIsAnError) {
  const auto result = RunInChild([]() -> Result<std::string> {
    std::raise(SIGKILL);
    return std::string();
  });
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message().find("signal 9"), std::string::npos) << result.error().message();
}

TEST(ProcessMemory, ThePeakSeesWhatIsFreedAgain) {
  constexpr size_t kBytes = size_t{64} << 20;
  const auto result = RunInChild([]() -> Result<std::string> {
    ResetPeakResident();
    const uint64_t before = PeakResidentBytes();
    {
      std::vector<char> memory(kBytes, 1);
      if (memory[kBytes / 2] != 1) return Status::Internal("unreachable; keeps the memory in use");
    }
    return std::to_string(PeakResidentBytes() - before);
  });
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_GE(std::stoull(*result), kBytes * 9 / 10);
  EXPECT_LE(std::stoull(*result), kBytes * 8);  // sanitizers keep shadows of it
}

TEST(ColdStart, MeasuresEveryPart) {
  const tests::Scratch scratch;
  tests::WriteBlockModel(scratch.Path("m.qfb"), true, 12);
  const auto cold = MeasureColdStart(scratch.Path("m.qfb"), {}, 3);
  ASSERT_TRUE(cold.ok()) << cold.error().message();
  EXPECT_GT(cold->open_ms, 0);
  EXPECT_GT(cold->plan_ms, 0);
  EXPECT_GT(cold->first_run_ms, 0);
  EXPECT_GT(cold->peak_rss_bytes, cold->rss_before_bytes);
  const auto absent = MeasureColdStart(scratch.Path("absent.qfb"), {}, 3);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code(), StatusCode::kIo);
}

}  // namespace
}  // namespace qrun::bench
