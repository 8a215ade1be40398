// Memory of this process as the kernel counts it.
#ifndef QRUN_BENCH_LIB_PROCESS_MEMORY_H_
#define QRUN_BENCH_LIB_PROCESS_MEMORY_H_

#include <cstdint>

namespace qrun::bench {

// Resident bytes now, from /proc/self/status; 0 where there is no /proc.
uint64_t ResidentBytes();

// Largest resident bytes since the process began, or since ResetPeakResident if that succeeded: from
// /proc/self/status, or getrusage where there is no /proc.
uint64_t PeakResidentBytes();

// Lets the peak start again at the present (/proc/self/clear_refs). False if the kernel does not let us: then
// the peak keeps counting from the start of the process.
bool ResetPeakResident();

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_PROCESS_MEMORY_H_
