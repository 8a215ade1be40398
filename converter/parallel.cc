#include "converter/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace qrun::converter {

size_t WorkerCount(size_t count, int threads) {
  return std::clamp<size_t>(static_cast<size_t>(std::max(threads, 1)), 1, std::max<size_t>(count, 1));
}

void ForEachIndex(size_t count, int threads, const std::function<void(size_t, size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::vector<std::exception_ptr> errors(WorkerCount(count, threads));
  const auto run = [&](size_t worker) {
    try {
      for (size_t i = next++; i < count; i = next++) work(i, worker);
    } catch (...) {
      errors[worker] = std::current_exception();
    }
  };
  std::vector<std::thread> workers;
  for (size_t worker = 1; worker < errors.size(); ++worker) workers.emplace_back(run, worker);
  run(0);
  for (std::thread& thread : workers) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace qrun::converter
