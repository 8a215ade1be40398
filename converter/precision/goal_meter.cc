#include "converter/precision/goal_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "converter/emit.h"

namespace qrun::converter {

std::string GoalText(const PrecisionGoal& goal) {
  std::string text;
  if (goal.min_sqnr_db) text += fmt::format("--min-sqnr {}", *goal.min_sqnr_db);
  if (goal.max_drop_points)
    text += fmt::format("{}--max-drop {}", text.empty() ? "" : " ", *goal.max_drop_points);
  return text;
}

bool Judgement::Meets(const PrecisionGoal& goal) const {
  // A point in the last digits is no drop: accuracies are quotients.
  constexpr double kRounding = 1e-9;
  return (!goal.min_sqnr_db || SqnrDb() >= *goal.min_sqnr_db) &&
         (!goal.max_drop_points || DropPoints() <= *goal.max_drop_points + kRounding);
}

std::string JudgementText(const Judgement& judgement) {
  const Deviation& deviation = judgement.deviation;
  std::string text = fmt::format("SQNR {:.2f} dB, {} of {} answers changed", deviation.SqnrDb(),
                                 deviation.changed, deviation.samples);
  if (judgement.accuracy) {
    text +=
        fmt::format(", accuracy {:.2f} % (float {:.2f} %)", *judgement.accuracy, *judgement.float_accuracy);
  }
  return text;
}

Result<GoalMeter> GoalMeter::Create(const Model& original, const CalibrationSource& held_out,
                                    const PrecisionGoal& goal, int threads) {
  GoalMeter meter(held_out, goal, threads);
  QRUN_ASSIGN_OR_RETURN(meter.reference_, AnswerSamples(original, held_out, threads));
  if (goal.labelled) {
    QRUN_ASSIGN_OR_RETURN(meter.float_accuracy_, meter.Accuracy(original));
  }
  return meter;
}

Result<Judgement> GoalMeter::Judge(const Graph& graph) const {
  QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(graph, {}));
  QRUN_ASSIGN_OR_RETURN(const Model model, Model::FromBytes(file.bytes));
  QRUN_ASSIGN_OR_RETURN(const Answers answers, AnswerSamples(model, held_out_, threads_));
  Judgement judgement;
  for (size_t i = 0; i < answers.outputs.size(); ++i) {
    judgement.deviation.Add(reference_.outputs[i], answers.outputs[i]);
  }
  if (goal_.labelled) {
    judgement.float_accuracy = float_accuracy_;
    QRUN_ASSIGN_OR_RETURN(judgement.accuracy, Accuracy(model));
  }
  return judgement;
}

Result<double> GoalMeter::Accuracy(const Model& model) const {
  QRUN_ASSIGN_OR_RETURN(const Answers answers, AnswerSamples(model, *goal_.labelled->source, threads_));
  size_t right = 0;
  for (size_t i = 0; i < answers.samples.size(); ++i) {
    const std::vector<float>& scores = answers.outputs[i][0];
    const auto winner = std::max_element(scores.begin(), scores.end()) - scores.begin();
    right += winner == goal_.labelled->classes[answers.samples[i]];
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(answers.samples.size());
}

}  // namespace qrun::converter
