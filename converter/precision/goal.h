// What mixed precision must reach.
#ifndef QRUN_CONVERTER_PRECISION_GOAL_H_
#define QRUN_CONVERTER_PRECISION_GOAL_H_

#include <memory>
#include <optional>
#include <string>

#include "converter/precision/labelled_samples.h"

namespace qrun::converter {

// Where both figures are given, both must hold.
struct PrecisionGoal {
  std::optional<double> min_sqnr_db;  // of the output that is furthest off
  std::optional<double>
      max_drop_points;  // of accuracy where `labelled` is given, else of agreement with float
  std::shared_ptr<const LabelledSamples> labelled;
  std::optional<double> budget_seconds;  // for the search

  bool given() const { return min_sqnr_db || max_drop_points; }
};

// As on the command line: "--min-sqnr 20 --max-drop 0.5".
std::string GoalText(const PrecisionGoal& goal);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_GOAL_H_
