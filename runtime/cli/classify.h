// Reading a model's first output as class scores.
#ifndef QRUN_RUNTIME_CLI_CLASSIFY_H_
#define QRUN_RUNTIME_CLI_CLASSIFY_H_

#include <span>
#include <string>
#include <vector>

#include "runtime/qrun.h"

namespace qrun::cli {

struct ClassScore {
  int index = 0;
  std::string label;     // "class 7" where the model has no labels
  float confidence = 0;  // 0..1
};

// How the first output states its scores.
enum class ScoreKind { kLogits, kProbabilities };

// Decides from the operator that writes the output: Softmax (also behind a conversion) gives probabilities.
// Errors: unsupported if the output is not a list of at least two classes per image.
Result<ScoreKind> ScoreKindOf(const Model& model);

// The k classes with the highest scores, best first; equal scores keep the order of the classes. Logits are
// turned into confidences by softmax.
std::vector<ClassScore> TopClasses(std::span<const float> scores, ScoreKind kind, int k,
                                   const std::vector<std::string>& labels);

}  // namespace qrun::cli

#endif  // QRUN_RUNTIME_CLI_CLASSIFY_H_
