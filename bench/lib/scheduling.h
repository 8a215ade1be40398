// Whether the kernel took the processor away while something was timed.
#ifndef QRUN_BENCH_LIB_SCHEDULING_H_
#define QRUN_BENCH_LIB_SCHEDULING_H_

#include <sys/resource.h>

#include <cstdint>

namespace qrun::bench {

// How often the threads of this process have lost their processor to another process since its start. What a
// hypervisor takes away is not in it.
inline int64_t InvoluntarySwitches() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_SCHEDULING_H_
