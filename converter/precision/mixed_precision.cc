#include "converter/precision/mixed_precision.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "converter/int8_plan.h"
#include "converter/precision/rounding_bias.h"

namespace qrun::converter {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTimedRuns = 9;

Result<NodeForms> PlannedForms(const MixedPrecisionInput& input, std::span<const std::string> keep_float) {
  QRUN_ASSIGN_OR_RETURN(const Int8Plan plan, PlanInt8(input.float_graph, input.ranges, {keep_float}));
  NodeForms forms;
  for (const std::string& reason : plan.float_reason) forms.push_back(reason.empty());
  return forms;
}

class Mixer {
 public:
  Mixer(const MixedPrecisionInput& input, const ConvertFunction& convert,
        const std::function<void(const char*)>& begin_stage, const ProgressFunction& progress)
      : input_(input), convert_(convert), begin_stage_(begin_stage), progress_(progress) {
    if (input.goal.budget_seconds) {
      deadline_ = begin_ + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(*input.goal.budget_seconds));
    }
  }

  Result<MixedPrecision> Run() {
    begin_stage_("sensitivity");
    QRUN_ASSIGN_OR_RETURN(const NodeForms int8, PlannedForms(input_, input_.keep_float));
    units_ = FindLayerUnits(input_.float_graph, int8);
    QRUN_ASSIGN_OR_RETURN(GoalMeter meter,
                          GoalMeter::Create(input_.original, input_.held_out, input_.goal, input_.threads));
    if (input_.sensitivity) QRUN_RETURN_IF_ERROR(MeasureUnits(meter.reference()));
    if (input_.goal.given()) {
      QRUN_RETURN_IF_ERROR(Search(meter));
      result_.meter.emplace(std::move(meter));
    }
    return std::move(result_);
  }

 private:
  std::vector<std::string> KeepFloat(std::span<const size_t> units) const {
    std::vector<std::string> expressions(input_.keep_float.begin(), input_.keep_float.end());
    for (const size_t unit : units) {
      for (std::string& expression : KeepFloatExpressions(input_.float_graph, units_[unit])) {
        expressions.push_back(std::move(expression));
      }
    }
    return expressions;
  }

  Status MeasureUnits(const Answers& reference) {
    std::vector<NodeForms> without;
    for (size_t i = 0; i < units_.size() && input_.sensitivity; ++i) {
      QRUN_ASSIGN_OR_RETURN(NodeForms forms, PlannedForms(input_, KeepFloat({{i}})));
      without.push_back(std::move(forms));
    }
    Graph centred = input_.int8_graph;
    CentreRoundingErrors(input_.float_graph, centred, input_.channels);
    QRUN_ASSIGN_OR_RETURN(std::optional<Sensitivity> measured,
                          MeasureSensitivity(input_.float_graph, centred, units_, without, input_.held_out,
                                             reference, input_.threads, deadline_, progress_));
    if (!measured) {
      return Status::InvalidArgument(
          "the time budget was over before the layers were measured: give --time-budget more, or --calibrate "
          "fewer samples");
    }
    if (input_.fuses_blocks) NameBlocks(measured->layers);
    QRUN_ASSIGN_OR_RETURN(std::vector<TimedPair> times,
                          TimeUnits(input_.float_graph, input_.int8_graph, units_, kTimedRuns));
    result_.sensitivity = {std::move(*measured), std::move(times)};
    return Status::Ok();
  }

  // Which layers would make a block fall apart.
  void NameBlocks(std::vector<LayerSensitivity>& layers) const {
    const std::vector<FusedBlock> blocks = FindFusedBlocks(input_.int8_graph);
    for (LayerSensitivity& layer : layers) {
      const ValueId writes = input_.float_graph.nodes[layer.unit.nodes.front()].outputs[0];
      for (size_t b = 0; b < blocks.size(); ++b) {
        const auto& written = blocks[b].written;
        if (std::find(written.begin(), written.end(), writes) == written.end()) continue;
        layer.cost.block = static_cast<int>(b);
        layer.cost.breakup_us = blocks[b].breakup_us;
      }
    }
  }

  Status Search(const GoalMeter& meter) {
    begin_stage_("mixed precision");
    PrecisionReport& report = result_.precision.emplace();
    report.goal = GoalText(input_.goal);
    for (const LayerUnit& unit : units_) report.layers.push_back(unit.name);
    const JudgeFunction judge = [&](std::span<const size_t> kept) -> Result<Judgement> {
      QRUN_ASSIGN_OR_RETURN(const Graph graph, convert_(KeepFloat(kept)));
      return meter.Judge(graph);
    };
    QRUN_ASSIGN_OR_RETURN(Judgement before, judge({}));
    if (before.Meets(input_.goal)) {
      report.search.before = report.search.after = std::move(before);
      report.search.conversions = 1;
    } else {
      if (!result_.sensitivity) QRUN_RETURN_IF_ERROR(MeasureUnits(meter.reference()));
      std::vector<Candidate> candidates;
      for (const LayerSensitivity& layer : result_.sensitivity->sensitivity.layers) {
        candidates.push_back(
            {layer.alone.RelativeError(), layer.cost.Added(), layer.cost.block, layer.cost.breakup_us});
      }
      begin_stage_("mixed precision");
      QRUN_ASSIGN_OR_RETURN(report.search, SearchKeptLayers(candidates, input_.goal, std::move(before), judge,
                                                            deadline_, progress_));
      ++report.search.conversions;
    }
    for (size_t unit : report.search.kept) {
      for (std::string& expression : KeepFloatExpressions(input_.float_graph, units_[unit])) {
        report.keep_float.push_back(std::move(expression));
      }
    }
    report.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    return Status::Ok();
  }

  const MixedPrecisionInput& input_;
  const ConvertFunction& convert_;
  const std::function<void(const char*)>& begin_stage_;
  const ProgressFunction& progress_;
  const Clock::time_point begin_ = Clock::now();
  std::optional<Clock::time_point> deadline_;
  std::vector<LayerUnit> units_;
  MixedPrecision result_;
};

}  // namespace

Result<MixedPrecision> MixPrecision(const MixedPrecisionInput& input, const ConvertFunction& convert,
                                    const std::function<void(const char*)>& begin_stage,
                                    const ProgressFunction& progress) {
  return Mixer(input, convert, begin_stage, progress).Run();
}

}  // namespace qrun::converter
