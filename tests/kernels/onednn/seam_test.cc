#include "kernels/onednn/seam.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace qrun::kernels {
namespace {

bool HasLibrary() {
  const float wei = 1;
  return OnednnKernel::FullyConnected({.rows = 1, .ic = 1, .oc = 1, .hi = 1}, &wei, nullptr).ok();
}

// Every task waits for the others to begin.
struct Meeting {
  std::atomic<int> begun = 0, wanted = 0;
  std::atomic<bool> failed = false;
};

void Meet(void* context, int) {
  Meeting& meeting = *static_cast<Meeting*>(context);
  ++meeting.begun;
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (meeting.begun < meeting.wanted && !meeting.failed) {
    if (std::chrono::steady_clock::now() > late) meeting.failed = true;
    std::this_thread::yield();
  }
}

TEST(RunOnLibraryThreads, RunsTasksAtTheSameTime) {
  if (!HasLibrary()) GTEST_SKIP() << "built without oneDNN";
  for (int threads : {2, 3, 4}) {
    Meeting meeting;
    meeting.wanted = threads;
    RunOnLibraryThreads(threads, threads, Meet, &meeting);
    EXPECT_EQ(meeting.begun, threads);
    EXPECT_FALSE(meeting.failed) << threads << " tasks ran one after another";
  }
}

TEST(RunOnLibraryThreads, CallsEveryTaskOnce) {
  if (!HasLibrary()) GTEST_SKIP() << "built without oneDNN";
  for (int threads : {1, 2, 4}) {
    for (int tasks : {0, 1, 2, 3, 7, 64}) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(tasks) + 1);
      RunOnLibraryThreads(
          threads, tasks,
          [](void* context, int task) {
            ++(*static_cast<std::vector<std::atomic<int>>*>(context))[static_cast<size_t>(task)];
          },
          &calls);
      for (int task = 0; task < tasks; ++task) EXPECT_EQ(calls[static_cast<size_t>(task)], 1) << task;
      EXPECT_EQ(calls.back(), 0);
    }
  }
}

}  // namespace
}  // namespace qrun::kernels
