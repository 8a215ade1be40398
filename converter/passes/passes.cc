#include "converter/passes/passes.h"

#include <fmt/format.h>

#include <algorithm>

#include "converter/infer_shapes.h"
#include "converter/passes/pass_functions.h"

namespace qrun::converter {
namespace {

constexpr Pass kPasses[] = {
#define QRUN_PASS(name, function, phase, what) {#name, what, PassPhase::phase, function},
#include "converter/passes/pass_list.inc"
#undef QRUN_PASS
};

// Every round removes or absorbs a node, so a graph settles long before this; more means two passes undo each
// other.
constexpr int kMaxRounds = 1000;

class Runner {
 public:
  Runner(Graph& graph, const PassOptions& options, PassReport& report)
      : graph_(graph), options_(options), report_(report) {
    for (const Pass& pass : kPasses)
      report_.entries.push_back({std::string(pass.name), std::string(pass.what), 0});
  }

  // Runs the passes of a phase once; adds up what they found.
  Result<int> Round(PassPhase phase) {
    int found = 0;
    for (size_t i = 0; i < std::size(kPasses); ++i) {
      const Pass& pass = kPasses[i];
      if (pass.phase != phase) continue;
      const Result<int> count = pass.run(graph_);
      if (!count.ok()) return count.error();
      found += *count;
      report_.entries[i].count += *count;
      if (!options_.check_each_pass) continue;
      if (Status status = ValidateGraph(graph_); !status.ok()) {
        return status.Annotate(fmt::format("after pass {}", pass.name));
      }
    }
    return found;
  }

  Status Settle(PassPhase phase) {
    for (int round = 0; round < kMaxRounds; ++round) {
      QRUN_ASSIGN_OR_RETURN(const int found, Round(phase));
      if (found == 0) return Status::Ok();
    }
    return Status::Internal("the passes do not settle");
  }

 private:
  Graph& graph_;
  const PassOptions& options_;
  PassReport& report_;
};

}  // namespace

std::span<const Pass> Passes() { return kPasses; }

Result<int> RunPass(std::string_view name, Graph& graph) {
  const auto pass =
      std::find_if(std::begin(kPasses), std::end(kPasses), [&](const Pass& p) { return p.name == name; });
  if (pass == std::end(kPasses)) return Status::InvalidArgument(fmt::format("no pass is called '{}'", name));
  return pass->run(graph);
}

std::string PassReport::Summary() const {
  std::string text;
  for (const Entry& entry : entries) {
    if (entry.count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", entry.count, entry.what);
  }
  return text;
}

Status RunPasses(Graph& graph, const PassOptions& options, PassReport* report) {
  PassReport unused;
  if (!report) report = &unused;
  *report = {};
  if (options.check_each_pass) QRUN_RETURN_IF_ERROR(ValidateGraph(graph).Annotate("before the passes"));
  Runner runner(graph, options, *report);
  QRUN_RETURN_IF_ERROR(runner.Settle(PassPhase::kSource));
  QRUN_ASSIGN_OR_RETURN([[maybe_unused]] const int moves, runner.Round(PassPhase::kLayout));
  return runner.Settle(PassPhase::kFile);
}

}  // namespace qrun::converter
