// A model against itself: the tool must not see a difference where there is none.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/bench/models.h"
#include "tests/bench/tool.h"

namespace qrun::bench {
namespace {

// Of twenty 95 % intervals nineteen contain the truth on average. A correct tool falls below seventeen in
// 1.6 % of the attempts; one whose intervals cover 80 % reaches seventeen in 41 %, 60 %: in 1.6 %.
TEST(SlowAA, IntervalsContainOne) {
  const tests::Scratch scratch;
  tests::WriteBlockModel(scratch.Path("m.qfb"), /*int8=*/true, 56);
  int contains = 0;
  std::string intervals;
  for (int run = 0; run < 20; ++run) {
    const tests::ToolRun result =
        tests::RunTool("qbench", scratch.Path("m.qfb") + " " + scratch.Path("m.qfb") + " --json - --seed " +
                                     std::to_string(run + 1));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const nlohmann::json comparison = nlohmann::json::parse(result.out)["comparison"];
    const double low = comparison["speedup_ci95"][0], high = comparison["speedup_ci95"][1];
    contains += low <= 1 && 1 <= high;
    intervals += comparison["speedup_ci95"].dump() + " " + comparison["verdict"].get<std::string>() + "\n";
  }
  std::printf("%s%d of 20 intervals contain 1\n", intervals.c_str(), contains);
  EXPECT_GE(contains, 17);
}

}  // namespace
}  // namespace qrun::bench
