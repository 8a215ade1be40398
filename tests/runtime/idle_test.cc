// A process whose sessions do nothing uses no processor, and has no more threads than it was allowed.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "runtime/qrun.h"
#include "runtime/thread_pool.h"
#include "tests/model_builder.h"

namespace qrun {
namespace {

using std::chrono::milliseconds;

constexpr auto kSleep = milliseconds(500);
// Workers spin for some microseconds before they sleep, OpenMP's for some milliseconds.
constexpr double kIdleSeconds = 0.05;

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// Processor time of the process while this thread sleeps.
double CpuSecondsAsleep() {
  const double before = CpuSeconds();
  std::this_thread::sleep_for(kSleep);
  return CpuSeconds() - before;
}

ptrdiff_t ThreadsOfProcess() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

// Two convolutions of 9.4 million products each with a sum behind them: work for every thread, in float for
// the library's threads and for ours.
std::vector<std::byte> Network(bool int8) {
  tests::ModelBuilder b;
  const auto tensor = [&](const char* name) {
    return int8 ? b.Int8(name, {1, 32, 32, 32}, 0.05f, 3) : b.Float(name, {1, 32, 32, 32});
  };
  const auto weights = [&](const char* name) {
    constexpr int kCount = 32 * 3 * 3 * 32;
    if (!int8) return b.FloatConstant(name, {32, 3, 3, 32}, std::vector<float>(kCount, 0.01f));
    return b.Int8Constant(name, {32, 3, 3, 32}, std::vector<int8_t>(kCount, 9), {0.001f});
  };
  const int x = tensor("x"), first = tensor("first"), second = tensor("second"), y = tensor("y");
  fb::Conv2DT conv;
  conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 1;
  b.Op(conv, {x, weights("w1"), -1}, first);
  b.Op(conv, {first, weights("w2"), -1}, second);
  b.Op(fb::BinaryT(), {second, first}, y);
  return b.Finish({x}, {y});
}

class Idle : public testing::TestWithParam<bool> {};

TEST_P(Idle, ASleepingProcessUsesNoProcessor) {
  if (ThreadPool::MaxThreads() < 4) GTEST_SKIP() << "this build has no threads";
  const auto model = Model::FromBytes(Network(GetParam()));
  ASSERT_TRUE(model.ok()) << model.error().message();
  const ptrdiff_t before = ThreadsOfProcess();
  for (int threads = 1; threads <= 4; ++threads) {
    SessionOptions options;
    options.threads = threads;
    auto session = Session::Create(*model, options);
    ASSERT_TRUE(session.ok()) << session.error().message();
    for (int run = 0; run < 20; ++run) session->Run();
    bool on_library = false;
    for (const StepInfo& step : session->steps()) on_library |= step.candidate.starts_with("onednn");
    // Ours, or OpenMP's where the library computes; never both.
    const int helpers = threads - 1;
    const ptrdiff_t now = ThreadsOfProcess();
    EXPECT_LE(now - before, helpers) << threads << " threads";
    const double cpu = CpuSecondsAsleep();
    EXPECT_LT(cpu, kIdleSeconds) << threads << " threads";
    std::printf("%s, %d threads: the process has %d and used %.1f ms of processor in %d ms asleep\n",
                on_library ? "library" : "own kernels", threads, static_cast<int>(now), 1e3 * cpu,
                static_cast<int>(kSleep.count()));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Idle, testing::Bool(),
                         [](const auto& info) { return info.param ? "int8" : "float32"; });

TEST(IdleTime, AThreadThatSpinsIsSeen) {
  std::atomic<bool> stop{false};
  std::thread spinner([&] {
    while (!stop.load()) {
    }
  });
  const double cpu = CpuSecondsAsleep();
  stop = true;
  spinner.join();
  EXPECT_GT(cpu, kIdleSeconds);
}

}  // namespace
}  // namespace qrun
