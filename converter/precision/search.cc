#include "converter/precision/search.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <utility>

namespace qrun::converter {
namespace {

class Search {
 public:
  Search(std::span<const Candidate> candidates, const PrecisionGoal& goal, Judgement before,
         const JudgeFunction& judge, std::optional<std::chrono::steady_clock::time_point> deadline,
         const std::function<void(size_t, size_t)>& progress)
      : candidates_(candidates), goal_(goal), judge_(judge), deadline_(deadline), progress_(progress) {
    Rank();
    expected_ = candidates.size();
    result_.before = std::move(before);
    result_.after = result_.before;
  }

  Result<SearchResult> Run() {
    QRUN_ASSIGN_OR_RETURN(const size_t enough, FindHead());
    QRUN_RETURN_IF_ERROR(PruneHead(enough));
    return std::move(result_);
  }

 private:
  void Rank() {
    std::vector<size_t> left(candidates_.size());
    std::iota(left.begin(), left.end(), size_t{0});
    std::set<int> apart;  // blocks that a candidate before has broken up
    const auto worth = [&](size_t i) {
      const Candidate& candidate = candidates_[i];
      const bool breaks = candidate.block >= 0 && !apart.contains(candidate.block);
      return candidate.gain / (candidate.cost + (breaks ? candidate.block_cost : 0));
    };
    while (!left.empty()) {
      const auto best =
          std::max_element(left.begin(), left.end(), [&](size_t a, size_t b) { return worth(a) < worth(b); });
      ranking_.push_back(*best);
      apart.insert(candidates_[*best].block);
      left.erase(best);
    }
  }

  bool Late() {
    if (!deadline_ || std::chrono::steady_clock::now() <= *deadline_) return false;
    return result_.out_of_time = true;
  }

  Result<Judgement> Judge(std::vector<size_t> kept) {
    std::sort(kept.begin(), kept.end());
    QRUN_ASSIGN_OR_RETURN(Judgement judgement, judge_(kept));
    ++result_.conversions;
    if (progress_) progress_(static_cast<size_t>(result_.conversions), std::max<size_t>(expected_, 1));
    return judgement;
  }

  std::vector<size_t> Head(size_t length) const {
    return {ranking_.begin(), ranking_.begin() + static_cast<ptrdiff_t>(length)};
  }

  // Judges a head; remembers it if it meets the goal.
  Result<bool> Try(size_t length) {
    QRUN_ASSIGN_OR_RETURN(Judgement judgement, Judge(Head(length)));
    const bool met = judgement.Meets(goal_);
    if (met || result_.kept.empty()) result_.after = std::move(judgement);
    if (met) result_.kept = Head(length);
    return met;
  }

  // The length of the shortest head that meets the goal, as far as time allowed.
  Result<size_t> FindHead() {
    size_t missed = 0, length = 1;
    for (;; missed = length, length *= 2) {
      length = std::min(length, ranking_.size());
      if (missed == ranking_.size()) return Missed("with every layer in float");
      if (Late()) return Missed("when the time was over");
      QRUN_ASSIGN_OR_RETURN(const bool met, Try(length));
      if (met) break;
    }
    while (length - missed > 1 && !Late()) {
      const size_t middle = missed + (length - missed) / 2;
      QRUN_ASSIGN_OR_RETURN(const bool met, Try(middle));
      (met ? length : missed) = middle;
    }
    return length;
  }

  Status Missed(const std::string& when) const {
    return Status::InvalidArgument("the goal (" + GoalText(goal_) +
                                   ") was missed: " + JudgementText(result_.after) + " " + when +
                                   "; all in int8: " + JudgementText(result_.before));
  }

  Status PruneHead(size_t length) {
    std::vector<size_t> order = Head(length);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return candidates_[a].gain < candidates_[b].gain; });
    expected_ = static_cast<size_t>(result_.conversions) + order.size();
    for (const size_t candidate : order) {
      if (order.size() == 1 || Late()) break;
      std::vector<size_t> fewer = result_.kept;
      std::erase(fewer, candidate);
      QRUN_ASSIGN_OR_RETURN(Judgement judgement, Judge(fewer));
      if (!judgement.Meets(goal_)) continue;
      result_.kept = std::move(fewer);
      result_.after = std::move(judgement);
    }
    std::sort(result_.kept.begin(), result_.kept.end());
    return Status::Ok();
  }

  const std::span<const Candidate> candidates_;
  const PrecisionGoal& goal_;
  const JudgeFunction& judge_;
  const std::optional<std::chrono::steady_clock::time_point> deadline_;
  const std::function<void(size_t, size_t)>& progress_;
  std::vector<size_t> ranking_;
  size_t expected_ = 0;
  SearchResult result_;
};

}  // namespace

Result<SearchResult> SearchKeptLayers(std::span<const Candidate> candidates, const PrecisionGoal& goal,
                                      Judgement before, const JudgeFunction& judge,
                                      std::optional<std::chrono::steady_clock::time_point> deadline,
                                      const std::function<void(size_t, size_t)>& progress) {
  return Search(candidates, goal, std::move(before), judge, deadline, progress).Run();
}

}  // namespace qrun::converter
