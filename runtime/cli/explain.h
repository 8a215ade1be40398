// Which layer's quantisation changed an answer: runs an int8 model and the float model it was made of side by
// side on one input.
#ifndef QRUN_RUNTIME_CLI_EXPLAIN_H_
#define QRUN_RUNTIME_CLI_EXPLAIN_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/qrun.h"

namespace qrun::cli {

// A layer is an operator of the int8 model (a fused block is one), or the model's input. Hybrid n takes what
// the first n layers make from the int8 model, in real numbers, and computes the rest in float: hybrid 0 is
// the float model, the last one the int8 model. Values correspond by their names; channels that the converter
// scaled are scaled back (Tensor::channel_scale). Layers whose output the float model does not have are
// joined with the next one that it has.
struct Explanation {
  struct Layer {
    std::string name, type;
    // Score of float's class minus the best other score, after this layer: negative once another class wins.
    double lead = 0;
    double change = 0;  // against the layer before
    int answer = 0;     // the class with the highest score
  };
  int float_class = 0, int8_class = 0;
  double float_lead = 0;
  std::vector<Layer> layers;
  // Index in layers: whose quantisation changed the answer, found by bisection over n; or, where the answers
  // agree, the layer that cost most lead.
  int culprit = 0;
  int hybrids_bisected = 0;  // hybrids run until it was found

  bool agrees() const { return float_class == int8_class; }
};

class Explainer {
 public:
  // Errors: invalid_argument if the models' outputs differ in size, the reference is not a float model, or no
  // layer corresponds; unsupported if the output is no list of classes; those of Session::Create.
  static Result<Explainer> Create(const Model& int8_model, const Model& float_model);

  Explainer(Explainer&&) noexcept;
  ~Explainer();

  // Set the inputs of both, then call Explain.
  Session& int8_session();
  Session& float_session();
  // Errors: none of the models', only internal ones.
  Result<Explanation> Explain();

 private:
  struct Impl;
  explicit Explainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Keys: agrees, float_class, int8_class, float_label, int8_label, float_lead, int8_lead, culprit,
// culprit_type, hybrids_bisected, layers[] (name, type, lead, change, margin: the best score minus that of
// float's class, answer).
nlohmann::json ExplanationJson(const Explanation& explanation, const std::vector<std::string>& labels);

// The text form, printed from the JSON; lines are indented by two spaces.
std::string ExplanationText(const nlohmann::json& explanation);

}  // namespace qrun::cli

#endif  // QRUN_RUNTIME_CLI_EXPLAIN_H_
