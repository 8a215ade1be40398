// What else could have run a step, and what it would cost.
#ifndef QRUN_BENCH_LIB_CANDIDATES_H_
#define QRUN_BENCH_LIB_CANDIDATES_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/lib/timing.h"

namespace qrun::bench {

struct CandidateCost {
  std::vector<std::string> kernels;  // what runs the operator's steps, in order: StepInfo::candidate
  double ms = 0;                     // median of their sum
  bool chosen = false;               // the plan takes this one
};

struct OperatorCandidates {
  std::string name, kind;
  int op_index = 0;  // in the file
  int64_t macs = 0;
  std::vector<CandidateCost> candidates;  // the chosen one first
};

// Every operator that multiplies, with every candidate that takes it on the contender's instruction set. The
// plan as it is, and plans without its rules of preference that pass over no candidate, the first of every
// operator, the first two, and so on, are profiled in turns, whole models each: a candidate meets the caches
// as it would in use. Errors: those of Session::Create.
Result<std::vector<OperatorCandidates>> MeasureCandidates(const Contender& contender, int rounds);

// Rows with name, kind, op_index, macs and candidates[]: kernels[], ms, chosen.
nlohmann::json CandidatesJson(const std::vector<OperatorCandidates>& operators);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_CANDIDATES_H_
