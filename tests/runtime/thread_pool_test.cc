#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

namespace qrun {
namespace {

ptrdiff_t ThreadsOfProcess() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

TEST(ThreadPool, RunsEachTaskOnce) {
  for (int threads : {1, 2, 3, 5}) {
    if (threads > ThreadPool::MaxThreads()) continue;
    ThreadPool pool(threads);
    for (int round = 0; round < 50; ++round) {
      for (int tasks : {0, 1, 2, 3, 5, 9}) {  // also more than there are threads
        std::atomic<int> seen[10] = {};
        pool.Run(
            tasks,
            [](void* context, int task) { static_cast<std::atomic<int>*>(context)[task].fetch_add(1); },
            seen);
        for (int i = 0; i < 10; ++i) ASSERT_EQ(seen[i].load(), i < tasks ? 1 : 0);
      }
    }
  }
}

TEST(ThreadPool, SeesTheResultsOfEarlierRounds) {
  ThreadPool pool(std::min(4, ThreadPool::MaxThreads()));
  int values[4] = {};  // plain, so that a race would be one
  for (int round = 0; round < 300; ++round) {
    pool.Run(
        4, [](void* context, int task) { ++static_cast<int*>(context)[task]; }, values);
  }
  for (int value : values) EXPECT_EQ(value, 300);
}

TEST(ThreadPool, ManyCallersAtOnce) {
  ThreadPool pool(std::min(3, ThreadPool::MaxThreads()));
  for (const auto& [callers, rounds] : {std::pair(4, 200), std::pair(40, 20)}) {  // 32 get help
    std::atomic<int> wrong{0}, began{0};
    std::vector<std::thread> threads;
    for (int caller = 0; caller < callers; ++caller) {
      threads.emplace_back([&, callers = callers, rounds = rounds] {
        began.fetch_add(1);
        while (began.load() < callers) std::this_thread::yield();
        for (int round = 0; round < rounds; ++round) {
          int values[5] = {};
          pool.Run(
              5, [](void* context, int task) { static_cast<int*>(context)[task] = task + 1; }, values);
          for (int i = 0; i < 5; ++i) wrong += values[i] != i + 1;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0);
  }
}

// A task may itself divide its work.
TEST(ThreadPool, CallersFromTasks) {
  ThreadPool pool(std::min(3, ThreadPool::MaxThreads()));
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> sum{0};
    struct Call {
      ThreadPool& pool;
      std::atomic<int>& sum;
    } call{pool, sum};
    pool.Run(
        4,
        [](void* context, int) {
          const Call& c = *static_cast<Call*>(context);
          c.pool.Run(
              3, [](void* inner, int task) { static_cast<std::atomic<int>*>(inner)->fetch_add(task); },
              &c.sum);
        },
        &call);
    ASSERT_EQ(sum.load(), 4 * 3);
  }
}

// The first of two tasks waits for the second: true if a worker comes to take it.
bool GetsHelp(ThreadPool& pool) {
  struct {
    std::atomic<int> begun{0};
    std::atomic<bool> met{false};
  } meeting;
  pool.Run(
      2,
      [](void* context, int) {
        auto& m = *static_cast<decltype(meeting)*>(context);
        if (m.begun.fetch_add(1) != 0) return;
        const auto start = std::chrono::steady_clock::now();
        while (m.begun.load() < 2 && std::chrono::steady_clock::now() - start < std::chrono::seconds(5)) {
          std::this_thread::yield();
        }
        m.met.store(m.begun.load() == 2);
      },
      &meeting);
  return meeting.met.load();
}

// More threads than processors, so that the caller loses its own between any two steps of showing a job and
// waking the worker up: long enough for the worker to do it all and to fall asleep.
TEST(ThreadPool, WakesUpAfterAnyPause) {
  if (ThreadPool::MaxThreads() < 2) GTEST_SKIP() << "built without threads";
  for (int round = 0; round < 3; ++round) {
    ThreadPool pool(2);
    std::atomic<bool> stop{false};
    std::vector<std::thread> others;
    for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency(); ++i) {
      others.emplace_back([&] {
        while (!stop.load()) continue;
      });
    }
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500)) {
      pool.Run(
          3, [](void*, int) {}, nullptr);
    }
    stop.store(true);
    for (std::thread& other : others) other.join();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_TRUE(GetsHelp(pool)) << round;
  }
}

// Whether workers still spin, fall asleep or sleep.
TEST(ThreadPool, Ends) {
  for (int round = 0; round < 100; ++round) {
    ThreadPool pool(std::min(3, ThreadPool::MaxThreads()));
    int values[2] = {};
    pool.Run(
        2, [](void* context, int task) { static_cast<int*>(context)[task] = 1; }, values);
    EXPECT_EQ(values[0] + values[1], 2);
    std::this_thread::sleep_for(std::chrono::microseconds(round * 2));
  }
}

// A worker that cannot run must not hold up its caller.
TEST(ThreadPool, CallerDoesWhatNobodyBegan) {
  if (ThreadPool::MaxThreads() < 2) GTEST_SKIP() << "built without threads";
  ThreadPool pool(2);
  std::atomic<bool> blocked{false}, release{false};
  std::atomic<bool>* const shared[] = {&blocked, &release};
  // Keeps one thread busy in a task that ends only when told to: the pool has none left.
  std::thread other([&] {
    pool.Run(
        2,
        [](void* context, int) {
          auto* const* flags = static_cast<std::atomic<bool>* const*>(context);
          flags[0]->store(true);
          while (!flags[1]->load()) std::this_thread::yield();
        },
        const_cast<std::atomic<bool>**>(shared));
  });
  while (!blocked.load()) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the worker takes the second task
  int values[3] = {};
  pool.Run(
      3, [](void* context, int task) { static_cast<int*>(context)[task] = 1; }, values);
  EXPECT_EQ(values[0] + values[1] + values[2], 3);
  EXPECT_FALSE(release.load());
  release.store(true);
  other.join();
}

TEST(ThreadPool, OneForTheProcess) {
  if (ThreadPool::MaxThreads() < 4) GTEST_SKIP() << "built without threads";
  const ptrdiff_t before = ThreadsOfProcess();
  {
    const auto one = ThreadPool::OfProcess(1);
    EXPECT_EQ(ThreadsOfProcess(), before);
    const auto two = ThreadPool::OfProcess(3);
    EXPECT_EQ(two, one);
    EXPECT_EQ(ThreadsOfProcess(), before + 2);
    ThreadPool::OfProcess(2);
    EXPECT_EQ(ThreadsOfProcess(), before + 2);
    ThreadPool::OfProcess(4);
    EXPECT_EQ(ThreadsOfProcess(), before + 3);
  }
  EXPECT_EQ(ThreadsOfProcess(), before);
}

TEST(ThreadPool, IdleWorkersUseNoCpu) {
  ThreadPool pool(std::min(2, ThreadPool::MaxThreads()));
  pool.Run(
      2, [](void*, int) {}, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the short spin after work is over
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double busy = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(busy, 0.02);
}

}  // namespace
}  // namespace qrun
