// Ordered candidates for a step: each may decline with a reason, the last never does.
#ifndef QRUN_RUNTIME_OPS_CANDIDATES_H_
#define QRUN_RUNTIME_OPS_CANDIDATES_H_

#include <span>

#include "runtime/plan.h"

namespace qrun {

// Adds `draft`'s step, or declines with `unsupported` and a reason and adds nothing.
template <class Problem>
struct Candidate {
  const char* name;
  Status (*prepare)(PlanBuilder& plan, const Problem& problem, StepDraft draft);
};

// Takes the first candidate that does not decline and records why the others did.
template <class Problem>
Status AddFirst(PlanBuilder& plan, const Problem& problem, std::span<const Candidate<Problem>> candidates,
                StepDraft draft) {
  for (const Candidate<Problem>& candidate : candidates) {
    if (&candidate != &candidates.back() && plan.PassesOver(draft.info.op_index, candidate.name)) {
      draft.info.declined.push_back(Cat(candidate.name, ": passed over"));
      continue;
    }
    draft.info.candidate = candidate.name;
    Status status = candidate.prepare(plan, problem, draft);
    if (status.code() != StatusCode::kUnsupported) return status;
    draft.info.declined.push_back(Cat(candidate.name, ": ", status.message()));
  }
  return Status::Internal(Cat("no candidate took step '", draft.info.name, "'"));
}

}  // namespace qrun

#endif  // QRUN_RUNTIME_OPS_CANDIDATES_H_
