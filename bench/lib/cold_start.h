// What it costs to begin: time and memory from nothing to the first result.
#ifndef QRUN_BENCH_LIB_COLD_START_H_
#define QRUN_BENCH_LIB_COLD_START_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/qrun.h"

namespace qrun::bench {

struct ColdStart {
  double open_ms = 0;       // Model::Open: map and verify
  double plan_ms = 0;       // Session::Create: plan, pack, allocate
  double first_run_ms = 0;  // the first Run
  bool weights_from_cache = false;
  uint64_t rss_before_bytes = 0;  // resident before the model was opened: the program itself
  uint64_t peak_rss_bytes = 0;    // largest resident size up to the end of the third run
  double TotalMs() const { return open_ms + plan_ms + first_run_ms; }
};

// Opens the model, plans it and runs it on FillInputs' values `repeats` times, each in a new process (see
// RunInChild for the precondition), and returns the one with the median total time, with the median of the
// peaks. The file is in the page cache from the second time on. Errors: those of Model::Open and
// Session::Create.
Result<ColdStart> MeasureColdStart(const std::string& path, const SessionOptions& options, int repeats);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_COLD_START_H_
