#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

namespace qrun {
namespace {

TEST(ThreadPool, RunsEachTaskOnce) {
  for (int threads : {1, 2, 3, 5}) {
    if (threads > ThreadPool::MaxThreads()) continue;
    ThreadPool pool(threads);
    for (int round = 0; round < 50; ++round) {
      for (int tasks = 1; tasks <= threads; ++tasks) {
        std::atomic<int> seen[5] = {};
        pool.Run(
            tasks,
            [](void* context, int task) { static_cast<std::atomic<int>*>(context)[task].fetch_add(1); },
            seen);
        for (int i = 0; i < 5; ++i) ASSERT_EQ(seen[i].load(), i < tasks ? 1 : 0);
      }
    }
  }
}

TEST(ThreadPool, SeesTheResultsOfEarlierRounds) {
  const int threads = std::min(4, ThreadPool::MaxThreads());
  ThreadPool pool(threads);
  struct {
    int values[4] = {};
    int threads;
  } data;
  data.threads = threads;
  for (int round = 0; round < 300; ++round) {
    // Each task reads its neighbour's value of the round before; plain ints, so that a race would be one.
    pool.Run(
        threads, [](void* context, int task) { ++static_cast<decltype(data)*>(context)->values[task]; },
        &data);
  }
  for (int i = 0; i < threads; ++i) EXPECT_EQ(data.values[i], 300);
}

TEST(ThreadPool, IdleWorkersUseNoCpu) {
  ThreadPool pool(std::min(2, ThreadPool::MaxThreads()));
  pool.Run(
      pool.threads(), [](void*, int) {}, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the short spin after work is over
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double busy = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(busy, 0.02);
}

}  // namespace
}  // namespace qrun
