#include "runtime/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
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

}  // namespace

struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> round{0};  // a new round of work; workers compare it with the last one they did
  std::atomic<int> pending{0};     // workers that have not finished the round
  bool stop = false;               // guarded by mutex
  int tasks = 0;
  void (*function)(void*, int) = nullptr;
  void* context = nullptr;
  std::vector<std::thread> workers;

  void Work(int task) {
    uint64_t done = 0;
    while (true) {
      for (int spin = 0; spin < kSpins && round.load(std::memory_order_acquire) == done; ++spin) Pause();
      if (round.load(std::memory_order_acquire) == done) {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stop || round.load(std::memory_order_acquire) != done; });
        if (stop) return;
      }
      done = round.load(std::memory_order_acquire);
      if (task < tasks) function(context, task);
      pending.fetch_sub(1, std::memory_order_release);
    }
  }
};

ThreadPool::ThreadPool(int threads) : threads_(threads) {
  if (threads <= 1) return;
  shared_ = std::make_unique<Shared>();
  for (int i = 1; i < threads; ++i) shared_->workers.emplace_back([this, i] { shared_->Work(i); });
}

ThreadPool::~ThreadPool() {
  if (!shared_) return;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
  }
  shared_->wake.notify_all();
  for (std::thread& worker : shared_->workers) worker.join();
}

int ThreadPool::MaxThreads() { return 256; }

void ThreadPool::Run(int tasks, void (*function)(void*, int), void* context) noexcept {
  if (tasks > 1) {
    Shared& shared = *shared_;
    shared.tasks = tasks;
    shared.function = function;
    shared.context = context;
    shared.pending.store(static_cast<int>(shared.workers.size()), std::memory_order_relaxed);
    {
      // Under the mutex, so that no worker falls asleep between its last look and this store.
      std::lock_guard lock(shared.mutex);
      shared.round.fetch_add(1, std::memory_order_release);
    }
    shared.wake.notify_all();
  }
  function(context, 0);
  if (tasks > 1) {
    for (int spin = 0; shared_->pending.load(std::memory_order_acquire) != 0; ++spin) {
      if (spin < kSpins) {
        Pause();
      } else {
        std::this_thread::yield();
      }
    }
  }
}

}  // namespace qrun
