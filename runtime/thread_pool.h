// The threads that sessions share.
#ifndef QRUN_RUNTIME_THREAD_POOL_H_
#define QRUN_RUNTIME_THREAD_POOL_H_

#include <memory>

#include "runtime/qrun.h"

namespace qrun {

// Workers that help whoever calls Run, from any number of threads at once. A caller works through its tasks
// itself and waits for no worker that has not begun one: where the system gives the workers no processor, a
// run takes as long as on one thread, not longer. Idle workers sleep after a short spin, so that steps of one
// run follow each other quickly and an idle process uses no CPU. Handing a task over takes no lock and costs
// 0.15 microseconds or so where a worker is awake (two Zen 5 cores).
class ThreadPool : public Executor {
 public:
  // The pool of the process, with at least threads - 1 workers. It lives as long as somebody holds it, and
  // grows but does not shrink. Thread safe.
  static std::shared_ptr<ThreadPool> OfProcess(int threads);

  // Starts threads - 1 workers (callers are the others); none for 1.
  explicit ThreadPool(int threads);
  ~ThreadPool() override;

  // Largest number of threads this build supports.
  static int MaxThreads();

  // Allocates nothing. Of callers at the same time, 32 get help and the others work alone.
  void Run(int tasks, void (*function)(void* context, int task), void* context) noexcept override;

 private:
  void Grow(int threads);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qrun

#endif  // QRUN_RUNTIME_THREAD_POOL_H_
