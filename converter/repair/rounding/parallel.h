// Loops on the threads of the process.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_PARALLEL_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_PARALLEL_H_

#include <exception>
#include <functional>
#include <memory>
#include <mutex>

#include "runtime/thread_pool.h"

namespace qrun::converter {

class Parallel {
 public:
  explicit Parallel(int threads) : pool_(ThreadPool::OfProcess(threads)) {}

  // Calls work(task) once for every task in [0, tasks), on any threads, and waits. What `work` throws (out of
  // memory) is thrown here. Tasks must write to places of their own.
  void Run(int tasks, const std::function<void(int task)>& work) const {
    struct Context {
      const std::function<void(int)>& work;
      std::mutex mutex;
      std::exception_ptr error;
    } context{work, {}, nullptr};
    pool_->Run(
        tasks,
        [](void* opaque, int task) {
          auto& shared = *static_cast<Context*>(opaque);
          try {
            shared.work(task);
          } catch (...) {
            const std::lock_guard lock(shared.mutex);
            shared.error = std::current_exception();
          }
        },
        &context);
    if (context.error) std::rethrow_exception(context.error);
  }

 private:
  std::shared_ptr<ThreadPool> pool_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_PARALLEL_H_
