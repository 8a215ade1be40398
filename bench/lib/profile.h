// Where a model's time goes, step by step.
#ifndef QRUN_BENCH_LIB_PROFILE_H_
#define QRUN_BENCH_LIB_PROFILE_H_

#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "bench/lib/timing.h"

namespace qrun::bench {

struct Profile {
  std::vector<StepInfo> steps;
  std::vector<double> step_ms;  // medians; with two clock reads a step in them
  // Per step and part of it: the step's time, divided like the medians of its parts. Empty for a step without
  // parts.
  std::vector<std::vector<double>> part_ms;
  nlohmann::json plan;  // cli::DescribePlan: arena, packed weights, candidates
};

// Profiles all contenders, interleaved like TimeInterleaved, in sessions apart from those that are timed.
// Errors: those of Session::Create.
Result<std::vector<Profile>> ProfileInterleaved(std::span<const Contender> contenders, int rounds);

// The steps as JSON rows: name, operator, part ("" or what follows "<operator>/" in the step's name), kind,
// candidate, macs, ms, percent (of the sum of all steps), gmacs_per_second, live_bytes (of the arena), and
// parts[]: what runs fused in this step, with name, macs, ms, percent and gmacs_per_second.
nlohmann::json LayersJson(const Profile& profile, const Model& model);

// Two models' layers operator by operator, matched by the operator's name: rows with name, kind, a_ms, b_ms,
// speedup (a_ms / b_ms) and parts[] of the same shape, be a part a step of its own or fused. In the order of
// `a`; an operator that only `b` has stands behind the one that it follows there. Missing times are null.
nlohmann::json SideBySide(const nlohmann::json& a, const nlohmann::json& b);

// One run of each model in the Trace Event Format (chrome://tracing, Perfetto): a process per model, its
// steps laid end to end with their median times, and within a step what runs fused in it ("<step>/<part>"),
// end to end too: parts take turns row by row, so that only how long each takes is meant, not when.
nlohmann::json TraceJson(std::span<const Profile> profiles, std::span<const std::string> names);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_PROFILE_H_
