#include "runtime/cli/progress.h"

#include <gtest/gtest.h>

namespace qrun::cli {
namespace {

TEST(ProgressLine, ShowsBarCountAndTimeLeft) {
  EXPECT_EQ(ProgressLine("calibrate", 0, 200, -1), "calibrate [------------------------------]   0/200");
  EXPECT_EQ(ProgressLine("calibrate", 100, 200, 3.2),
            "calibrate [###############---------------] 100/200, 4 s left");
  EXPECT_EQ(ProgressLine("run", 9, 10, 125), "run [###########################---]  9/10, 2:05 min left");
  EXPECT_EQ(ProgressLine("run", 10, 10, 0), "run [##############################] 10/10, 0 s left");
}

// The test runner's stderr is captured, so it is no terminal.
TEST(ProgressBar, IsSilentWithoutATerminal) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar("calibrate", false);
    bar.Update(1, 2);
    bar.Update(2, 2);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace qrun::cli
