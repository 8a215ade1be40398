#include "runtime/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace qrun {
namespace {

// About 10 to 20 microseconds: longer than the gap between two steps, shorter than anybody notices.
constexpr int kSpins = 4000;

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// One call of Run; lives on its caller's stack, and is in the list while it may have tasks that nobody began.
struct Job {
  int tasks;
  void (*function)(void*, int);
  void* context;
  Job* following = nullptr;
  std::atomic<int> next{0};     // first task that nobody began
  std::atomic<int> helpers{0};  // workers in it; grows only under the mutex while the job is in the list

  bool has_tasks() const { return next.load(std::memory_order_relaxed) < tasks; }
  void Work() {
    for (int i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) function(context, i);
  }
};

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> posted{0};  // counts jobs; changed under the mutex
  Job* jobs = nullptr;              // guarded by mutex, as all below
  int sleepers = 0;                 // workers that wait and that nobody has called yet
  bool stop = false;
  std::vector<std::thread> workers;

  Job* FindJob() {
    for (Job* job = jobs; job != nullptr; job = job->following) {
      if (job->has_tasks()) return job;
    }
    return nullptr;
  }

  void Remove(Job* job) {
    Job** at = &jobs;
    while (*at != job) at = &(*at)->following;
    *at = job->following;
  }

  void Serve() {
    std::unique_lock lock(mutex);
    while (!stop) {
      if (Job* job = FindJob()) {
        job->helpers.fetch_add(1, std::memory_order_relaxed);
        lock.unlock();
        job->Work();
        job->helpers.fetch_sub(1, std::memory_order_release);
        lock.lock();
        continue;
      }
      const uint64_t seen = posted.load(std::memory_order_relaxed);
      lock.unlock();
      for (int spin = 0; spin < kSpins && posted.load(std::memory_order_relaxed) == seen; ++spin) Pause();
      lock.lock();
      ++sleepers;
      wake.wait(lock, [&] { return stop || posted.load(std::memory_order_relaxed) != seen; });
    }
  }
};

std::shared_ptr<ThreadPool> ThreadPool::OfProcess(int threads) {
  static std::mutex mutex;
  static std::weak_ptr<ThreadPool> shared;
  std::lock_guard lock(mutex);
  std::shared_ptr<ThreadPool> pool = shared.lock();
  if (pool) {
    pool->Grow(threads);
  } else {
    shared = pool = std::make_shared<ThreadPool>(threads);
  }
  return pool;
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) { Grow(threads); }

void ThreadPool::Grow(int threads) {
  std::lock_guard lock(state_->mutex);
  while (static_cast<int>(state_->workers.size()) < threads - 1) {
    state_->workers.emplace_back([state = state_.get()] { state->Serve(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stop = true;
    state_->posted.fetch_add(1, std::memory_order_relaxed);
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::MaxThreads() { return 256; }

void ThreadPool::Run(int tasks, void (*function)(void*, int), void* context) noexcept {
  Job job{tasks, function, context};
  if (tasks <= 1) return job.Work();
  bool asleep;
  {
    std::lock_guard lock(state_->mutex);
    job.following = state_->jobs;
    state_->jobs = &job;
    state_->posted.fetch_add(1, std::memory_order_relaxed);
    asleep = std::exchange(state_->sleepers, 0) > 0;  // one call is enough, however long a worker takes
  }
  if (asleep) state_->wake.notify_all();
  job.Work();
  {
    std::lock_guard lock(state_->mutex);
    state_->Remove(&job);
  }
  for (int spin = 0; job.helpers.load(std::memory_order_acquire) != 0; ++spin) {
    if (spin < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace qrun
