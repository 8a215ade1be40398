// How far a converted model is from its goal.
#ifndef QRUN_CONVERTER_PRECISION_GOAL_METER_H_
#define QRUN_CONVERTER_PRECISION_GOAL_METER_H_

#include <optional>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/precision/answers.h"
#include "converter/precision/goal.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

// What a model was found to do.
struct Judgement {
  Deviation deviation;  // from float, on the held-out samples
  // Percent of the labelled samples; absent if there are none.
  std::optional<double> float_accuracy, accuracy;

  double SqnrDb() const { return deviation.SqnrDb(); }
  // Points of accuracy lost, or, without labels, answers that changed.
  double DropPoints() const { return accuracy ? *float_accuracy - *accuracy : deviation.ChangedPoints(); }
  bool Meets(const PrecisionGoal& goal) const;
};

// "SQNR 21.3 dB, 2 of 32 answers changed" or "..., accuracy 85.2 % (float 85.8 %)".
std::string JudgementText(const Judgement& judgement);

class GoalMeter {
 public:
  // Runs the float model `original` over all samples. `held_out` and the goal outlive this. Errors: those of
  // AnswerSamples.
  static Result<GoalMeter> Create(const Model& original, const CalibrationSource& held_out,
                                  const PrecisionGoal& goal, int threads);

  // Runs the model that EmitModel makes of `graph`. Errors: those of EmitModel and Session::Create.
  Result<Judgement> Judge(const Graph& graph) const;

  const Answers& reference() const { return reference_; }

 private:
  GoalMeter(const CalibrationSource& held_out, const PrecisionGoal& goal, int threads)
      : held_out_(held_out), goal_(goal), threads_(threads) {}
  Result<double> Accuracy(const Model& model) const;

  const CalibrationSource& held_out_;
  const PrecisionGoal& goal_;
  const int threads_;
  Answers reference_;
  std::optional<double> float_accuracy_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_GOAL_METER_H_
