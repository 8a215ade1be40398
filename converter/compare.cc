#include "converter/compare.h"

#include <algorithm>

#include "converter/error_sums.h"
#include "converter/sample_runner.h"

namespace qrun::converter {
namespace {

// Sums over the samples of one output.
struct Sums {
  ErrorSums error;
  int same_top1 = 0;

  void Add(const std::vector<float>& reference, const std::vector<float>& candidate) {
    error.Add(reference, candidate);
    // int8 outputs tie where float ones differ: the candidate agrees if the reference's winner is among its
    // largest.
    const auto winner = std::max_element(reference.begin(), reference.end()) - reference.begin();
    same_top1 +=
        candidate[static_cast<size_t>(winner)] == *std::max_element(candidate.begin(), candidate.end());
  }

  OutputCheck Finish(const std::string& name) const {
    return {name, error.SqnrDb(), error.Cosine(), same_top1};
  }
};

}  // namespace

Result<Comparison> CompareModels(const Model& reference, const Model& candidate,
                                 const CalibrationSource& source, size_t max_samples) {
  SessionOptions options;
  options.reproducible_float = true;
  QRUN_ASSIGN_OR_RETURN(Session reference_session, Session::Create(reference, options));
  QRUN_ASSIGN_OR_RETURN(Session candidate_session, Session::Create(candidate, options));
  const size_t outputs = reference_session.outputs().size();
  std::vector<Sums> sums(outputs);
  std::vector<std::vector<float>> inputs;
  Comparison comparison;
  for (size_t i = 0; i < source.size() && comparison.samples < max_samples; ++i) {
    if (!LoadSample(source, i, reference_session, inputs).ok()) continue;  // calibration has reported it
    for (size_t k = 0; k < inputs.size(); ++k) {
      QRUN_RETURN_IF_ERROR(candidate_session.SetInput(static_cast<int>(k), inputs[k]));
    }
    reference_session.Run();
    candidate_session.Run();
    for (size_t k = 0; k < outputs; ++k) {
      std::vector<float> f(static_cast<size_t>(reference_session.outputs()[k].ElementCount()));
      std::vector<float> q(f.size());
      QRUN_RETURN_IF_ERROR(reference_session.GetOutput(static_cast<int>(k), f));
      QRUN_RETURN_IF_ERROR(candidate_session.GetOutput(static_cast<int>(k), q));
      sums[k].Add(f, q);
    }
    ++comparison.samples;
  }
  for (size_t k = 0; k < outputs; ++k)
    comparison.outputs.push_back(sums[k].Finish(reference.outputs()[k].name));
  return comparison;
}

}  // namespace qrun::converter
