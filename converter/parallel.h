// A loop whose turns run on several threads.
#ifndef QRUN_CONVERTER_PARALLEL_H_
#define QRUN_CONVERTER_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace qrun::converter {

// How many workers ForEachIndex uses.
size_t WorkerCount(size_t count, int threads);

// Calls work(index, worker) once for every index below `count`, on WorkerCount(count, threads) threads, this
// one among them; worker < WorkerCount. A worker has one index at a time; which one is left to chance. The
// first exception (by worker) is thrown here, when all threads are done.
void ForEachIndex(size_t count, int threads, const std::function<void(size_t index, size_t worker)>& work);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PARALLEL_H_
