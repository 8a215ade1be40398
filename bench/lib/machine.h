// Where a measurement was taken.
#ifndef QRUN_BENCH_LIB_MACHINE_H_
#define QRUN_BENCH_LIB_MACHINE_H_

#include <nlohmann/json.hpp>

namespace qrun::bench {

// Keys: cpu, logical_cpus, isas[] (that can run here, best first), os, compiler, load_average (of the last
// minute, at the time of the call; null if unknown).
nlohmann::json DescribeMachine();

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_MACHINE_H_
