// The pool of a build without threads (QRUN_THREADS=OFF): everything runs on the caller.
#include "runtime/thread_pool.h"

namespace qrun {

struct ThreadPool::State {};

std::shared_ptr<ThreadPool> ThreadPool::OfProcess(int threads) {
  return std::make_shared<ThreadPool>(threads);
}

ThreadPool::ThreadPool(int) {}
ThreadPool::~ThreadPool() = default;
int ThreadPool::MaxThreads() { return 1; }

void ThreadPool::Run(int tasks, void (*function)(void*, int), void* context) noexcept {
  for (int task = 0; task < tasks; ++task) function(context, task);
}

}  // namespace qrun
