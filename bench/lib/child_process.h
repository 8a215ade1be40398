// Work in a process of its own.
#ifndef QRUN_BENCH_LIB_CHILD_PROCESS_H_
#define QRUN_BENCH_LIB_CHILD_PROCESS_H_

#include <functional>
#include <string>

#include "schema/status.h"

namespace qrun::bench {

// Forks, runs `work` in the child and returns what it returned; nothing else of the child's work reaches this
// process. Call it before this process has started threads: the child has only the calling one, and locks
// that another thread held stay locked in it. Errors: those of `work`; io if no process can be made; internal
// if the child ended without an answer, with its signal.
Result<std::string> RunInChild(const std::function<Result<std::string>()>& work);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_CHILD_PROCESS_H_
