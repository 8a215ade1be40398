// Which layers must stay float for a goal to be met.
#ifndef QRUN_CONVERTER_PRECISION_SEARCH_H_
#define QRUN_CONVERTER_PRECISION_SEARCH_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "converter/precision/goal.h"
#include "converter/precision/goal_meter.h"
#include "schema/status.h"

namespace qrun::converter {

// Of one layer that may stay float.
struct Candidate {
  double gain = 0;  // error that leaves the outputs; any unit
  double cost = 1;  // what it costs to keep it; positive, any unit
  // Candidates of one block (-1: of none) cost block_cost more, once, if any of them is kept.
  int block = -1;
  double block_cost = 0;
};

struct SearchResult {
  std::vector<size_t> kept;  // candidates that stay float, in order
  Judgement before, after;   // with no candidate float, and with `kept`
  int conversions = 0;       // that were judged
  bool out_of_time = false;  // ended by the deadline: `kept` meets the goal, but may be larger than needed
};

// Converts with just these candidates float, and measures.
using JudgeFunction = std::function<Result<Judgement>(std::span<const size_t> kept)>;

// `before` is the judgement of no candidate kept, and misses the goal. Candidates are ranked by gain / cost
// (the first of a block with its block_cost, those behind it without), and the shortest head of the ranking
// that meets the goal is found by doubling and halving; then one candidate after the other, from the least
// gain up, goes back to int8 unless the goal is then missed. Judges at most 2 log2(n) + 2 + n sets. Errors:
// those of `judge`; invalid_argument, saying what was reached, if the goal is missed with all candidates
// float, or if `deadline` passes before any set meets it.
Result<SearchResult> SearchKeptLayers(std::span<const Candidate> candidates, const PrecisionGoal& goal,
                                      Judgement before, const JudgeFunction& judge,
                                      std::optional<std::chrono::steady_clock::time_point> deadline,
                                      const std::function<void(size_t done, size_t total)>& progress);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_SEARCH_H_
