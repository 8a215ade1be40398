#include "bench/lib/candidates.h"

#include <algorithm>
#include <map>

#include "bench/lib/profile.h"
#include "runtime/model_impl.h"

namespace qrun::bench {
namespace {

// Per operator: names of candidates, in the order in which the plan asks for them.
using Names = std::map<int, std::vector<std::string>>;

// Options under which every operator passes over the first `count` of its `known` candidates.
SessionOptions PassingOver(const SessionOptions& options, const Names& known, size_t count) {
  SessionOptions result = options;
  result.passes_over = [known, count](int op_index, std::string_view candidate) {
    const auto names = known.find(op_index);
    if (names == known.end()) return false;
    const auto end = names->second.begin() + static_cast<ptrdiff_t>(std::min(count, names->second.size()));
    return std::find(names->second.begin(), end, candidate) != end;
  };
  return result;
}

// All candidates that any plan asks for, but for the last of each list, which cannot be passed over. Passing
// one over may bring up others.
Result<Names> FindNames(const Contender& contender) {
  Names known;
  for (bool grew = true; grew;) {
    grew = false;
    SessionOptions options = contender.options;
    const SessionOptions passing = PassingOver(contender.options, known, SIZE_MAX);
    options.passes_over = [&](int op_index, std::string_view candidate) {
      if (passing.passes_over(op_index, candidate)) return true;
      std::vector<std::string>& names = known[op_index];
      if (std::find(names.begin(), names.end(), candidate) == names.end()) {
        names.emplace_back(candidate);
        grew = true;
      }
      return false;
    };
    QRUN_ASSIGN_OR_RETURN(const Session session, Session::Create(*contender.model, options));
  }
  return known;
}

void AddCost(OperatorCandidates& op, CandidateCost cost) {
  const auto same = [&](const CandidateCost& other) { return other.kernels == cost.kernels; };
  if (std::none_of(op.candidates.begin(), op.candidates.end(), same))
    op.candidates.push_back(std::move(cost));
}

}  // namespace

Result<std::vector<OperatorCandidates>> MeasureCandidates(const Contender& contender, int rounds) {
  QRUN_ASSIGN_OR_RETURN(const Names known, FindNames(contender));
  size_t most = 0;
  for (const auto& [op_index, names] : known) most = std::max(most, names.size());
  std::vector<Contender> plans = {contender};  // its own choice, and then without its rules
  for (size_t count = 0; count <= most; ++count) {
    plans.push_back({contender.model, PassingOver(contender.options, known, count)});
  }
  QRUN_ASSIGN_OR_RETURN(const std::vector<Profile> profiles, ProfileInterleaved(plans, rounds));

  std::map<int, OperatorCandidates> operators;
  for (size_t plan = 0; plan < profiles.size(); ++plan) {
    std::map<int, CandidateCost> costs;
    for (size_t s = 0; s < profiles[plan].steps.size(); ++s) {
      const StepInfo& step = profiles[plan].steps[s];
      CandidateCost& cost = costs[step.op_index];
      cost.kernels.push_back(step.candidate);
      cost.ms += profiles[plan].step_ms[s];
      cost.chosen = plan == 0;
      OperatorCandidates& op = operators[step.op_index];
      if (plan != 0) continue;
      op.name = contender.model->impl().file->operators()->Get(step.op_index)->name()->str();
      op.kind = step.kind;
      op.op_index = step.op_index;
      op.macs += step.macs;
    }
    for (auto& [op_index, cost] : costs) AddCost(operators[op_index], std::move(cost));
  }
  std::vector<OperatorCandidates> result;
  for (auto& [op_index, op] : operators) {
    if (op.macs != 0) result.push_back(std::move(op));
  }
  return result;
}

nlohmann::json CandidatesJson(const std::vector<OperatorCandidates>& operators) {
  nlohmann::json rows = nlohmann::json::array();
  for (const OperatorCandidates& op : operators) {
    nlohmann::json& row = rows.emplace_back(
        nlohmann::json{{"name", op.name}, {"kind", op.kind}, {"op_index", op.op_index}, {"macs", op.macs}});
    for (const CandidateCost& cost : op.candidates) {
      row["candidates"].push_back({{"kernels", cost.kernels}, {"ms", cost.ms}, {"chosen", cost.chosen}});
    }
  }
  return rows;
}

}  // namespace qrun::bench
