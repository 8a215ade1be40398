#include "converter/precision/answers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "converter/parallel.h"
#include "converter/sample_runner.h"

namespace qrun::converter {

Result<Answers> AnswerSamples(const Model& model, const CalibrationSource& source, int threads) {
  SessionOptions options;
  options.reproducible_float = true;
  std::vector<Session> sessions;
  for (size_t i = 0; i < WorkerCount(source.size(), threads); ++i) {
    QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
    sessions.push_back(std::move(session));
  }
  std::vector<std::vector<std::vector<float>>> scratch(sessions.size());
  std::vector<std::optional<OutputValues>> outputs(source.size());
  std::vector<Status> errors(source.size());
  ForEachIndex(source.size(), threads, [&](size_t i, size_t worker) {
    Session& session = sessions[worker];
    errors[i] = LoadSample(source, i, session, scratch[worker]);
    if (!errors[i].ok()) return;
    session.Run();
    OutputValues& values = outputs[i].emplace();
    for (size_t k = 0; k < session.outputs().size(); ++k) {
      values.emplace_back(static_cast<size_t>(session.outputs()[k].ElementCount()));
      if (errors[i].ok()) errors[i] = session.GetOutput(static_cast<int>(k), values.back());
    }
  });
  Answers answers;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i]) continue;
    answers.samples.push_back(i);
    answers.outputs.push_back(std::move(*outputs[i]));
  }
  if (answers.samples.empty()) {
    return Status::InvalidArgument("none of the " + std::to_string(source.size()) + " samples is usable" +
                                   (errors.empty() ? "" : "; the first: " + errors[0].message()));
  }
  return answers;
}

bool SameWinner(std::span<const float> reference, std::span<const float> candidate) {
  const auto winner = std::max_element(reference.begin(), reference.end()) - reference.begin();
  return candidate[static_cast<size_t>(winner)] == *std::max_element(candidate.begin(), candidate.end());
}

void Deviation::Add(const OutputValues& reference, const OutputValues& candidate) {
  outputs.resize(reference.size());
  bool same = true;
  for (size_t k = 0; k < reference.size(); ++k) {
    outputs[k].Add(reference[k], candidate[k]);
    same &= SameWinner(reference[k], candidate[k]);
  }
  ++samples;
  changed += !same;
}

void Deviation::Add(const Deviation& other) {
  outputs.resize(std::max(outputs.size(), other.outputs.size()));
  for (size_t k = 0; k < other.outputs.size(); ++k) outputs[k].Add(other.outputs[k]);
  samples += other.samples;
  changed += other.changed;
}

double Deviation::SqnrDb() const {
  double least = std::numeric_limits<double>::infinity();
  for (const ErrorSums& output : outputs) least = std::min(least, output.SqnrDb());
  return least;
}

double Deviation::RelativeError() const {
  double most = 0;
  for (const ErrorSums& output : outputs) most = std::max(most, output.RelativeError());
  return most;
}

}  // namespace qrun::converter
