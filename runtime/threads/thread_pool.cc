#include "runtime/thread_pool.h"

#include <algorithm>
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

// One call of Run; lives on its caller's stack.
struct Job {
  int tasks;
  void (*function)(void*, int);
  void* context;
  std::atomic<int> next{0};  // first task that nobody began

  void Work() {
    for (int i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) function(context, i);
  }
};

// Where a caller shows its job. Places outlive jobs, so that a worker can say that it comes before it looks.
// What orders coming and leaving is one order of all sequentially consistent operations: either the worker
// finds the place closed, or the caller counts the visitor.
class alignas(64) Place {
 public:
  // False if another caller has this place.
  bool Open(Job* job) {
    Job* none = nullptr;
    return job_.load(std::memory_order_relaxed) == nullptr && job_.compare_exchange_strong(none, job);
  }
  // Returns when all that visitors began is done. Whoever comes later sees no job.
  void Close() {
    job_.store(&closing_);
    for (int spin = 0; visitors_.load() != 0; ++spin) {
      if (spin < kSpins) {
        Pause();
      } else {
        std::this_thread::yield();
      }
    }
    job_.store(nullptr, std::memory_order_release);
  }
  // Works through the job that is here, if any has tasks left; true if so.
  bool Visit() {
    if (!IsJob(job_.load(std::memory_order_relaxed))) return false;
    visitors_.fetch_add(1);
    Job* const job = job_.load();
    const bool helps = IsJob(job) && job->next.load(std::memory_order_relaxed) < job->tasks;
    if (helps) job->Work();
    visitors_.fetch_sub(1);
    return helps;
  }

 private:
  static bool IsJob(const Job* job) { return job != nullptr && job != &closing_; }
  static Job closing_;

  std::atomic<Job*> job_{nullptr};
  std::atomic<int> visitors_{0};
};

Job Place::closing_{};

// Callers that get help at the same time; further ones work alone.
constexpr int kPlaces = 32;

}  // namespace

struct ThreadPool::State {
  Place places[kPlaces];
  alignas(64) std::atomic<uint64_t> posted{0};  // counts jobs, and the end
  std::atomic<bool> stop{false};
  std::atomic<bool> asleep{false};  // a worker may sleep that nobody has called yet; set under the mutex
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::thread> workers;  // guarded by the mutex

  // True if there was anything to do.
  bool Help() {
    bool helped = false;
    for (Place& place : places) helped |= place.Visit();
    return helped;
  }

  void Serve() {
    while (true) {
      const uint64_t seen = posted.load();
      if (stop.load()) return;  // if set later, the count will have changed
      if (Help()) continue;
      for (int spin = 0; spin < kSpins && posted.load(std::memory_order_relaxed) == seen; ++spin) Pause();
      if (posted.load(std::memory_order_relaxed) != seen) continue;
      std::unique_lock lock(mutex);
      // Each time: a call may be meant for others, and has taken the mark away.
      while (asleep.store(true), posted.load() == seen) wake.wait(lock);
    }
  }

  // Tells the workers that there is something new: either a worker that goes to sleep sees the count, or this
  // sees the worker. One call is enough, however long a worker takes to wake up.
  void Post() {
    posted.fetch_add(1);
    if (!asleep.load() || !asleep.exchange(false)) return;
    { std::lock_guard lock(mutex); }  // until whoever is about to sleep does
    wake.notify_all();
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
  state_->stop.store(true);
  state_->Post();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::MaxThreads() { return 256; }

void ThreadPool::Run(int tasks, void (*function)(void*, int), void* context) noexcept {
  Job job{tasks, function, context};
  Place* const end = state_->places + kPlaces;
  Place* const place =
      tasks <= 1 ? end : std::find_if(state_->places, end, [&](Place& p) { return p.Open(&job); });
  if (place != end) state_->Post();
  job.Work();
  if (place != end) place->Close();
}

}  // namespace qrun
