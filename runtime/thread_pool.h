// Worker threads of a session.
#ifndef QRUN_RUNTIME_THREAD_POOL_H_
#define QRUN_RUNTIME_THREAD_POOL_H_

#include <memory>

namespace qrun {

// Runs the same function on several threads at once. One caller at a time. Idle workers sleep after a short
// spin, so that steps of one run follow each other quickly and an idle process uses no CPU.
class ThreadPool {
 public:
  // Starts threads - 1 workers (the caller is the last); none for 1.
  explicit ThreadPool(int threads);
  ~ThreadPool();

  // Largest number of threads this build supports.
  static int MaxThreads();

  int threads() const { return threads_; }

  // Calls function(context, i) once for each i in [0, tasks), i = 0 on the calling thread, and returns when
  // all have returned. tasks <= threads(). Allocates nothing.
  void Run(int tasks, void (*function)(void* context, int task), void* context) noexcept;

 private:
  struct Shared;
  int threads_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace qrun

#endif  // QRUN_RUNTIME_THREAD_POOL_H_
