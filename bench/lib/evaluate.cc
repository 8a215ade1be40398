#include "bench/lib/evaluate.h"

#include <mutex>
#include <optional>
#include <thread>

#include "bench/lib/bounded_queue.h"
#include "schema/cat.h"

namespace qrun::bench {
namespace {

std::string ShapeText(const TensorInfo& info) {
  std::string text = "[";
  for (int extent : info.extents) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

// How kAuc reads the first output.
enum class AnomalyKind { kValue, kSecondClass, kReconstruction };

Result<AnomalyKind> AnomalyKindOf(const Model& model) {
  const TensorInfo& in = model.inputs()[0];
  const TensorInfo& out = model.outputs()[0];
  if (out.ElementCount() == 1) return AnomalyKind::kValue;
  if (out.ElementCount() == 2) return AnomalyKind::kSecondClass;
  if (out.extents == in.extents && out.extents.size() < 4) return AnomalyKind::kReconstruction;
  return Status::Unsupported(Cat("--metric auc: output '", out.name, "' of shape ", ShapeText(out),
                                 " is neither one value, two classes, nor a reconstruction of the input ",
                                 ShapeText(in)));
}

// How one model's outputs are read. Decided once.
struct Reading {
  std::optional<cli::ScoreKind> classes;
  std::optional<AnomalyKind> anomaly;
};

// Without labels a model that is no classifier still has an SQNR.
Result<Reading> ReadingOf(const Model& model, Metric metric, bool labelled) {
  Reading reading;
  if (metric == Metric::kAuc) {
    QRUN_ASSIGN_OR_RETURN(reading.anomaly, AnomalyKindOf(model));
    return reading;
  }
  const auto kind = cli::ScoreKindOf(model);
  if (!kind.ok() && labelled) return kind.error();
  if (kind.ok()) reading.classes = *kind;
  return reading;
}

// One running thread: sessions of all models and the buffers for their outputs.
class Runner {
 public:
  Runner(std::span<const Model* const> models, std::vector<Reading> readings)
      : models_(models), readings_(std::move(readings)) {}

  Status Open(const std::string& isa) {
    for (const Model* model : models_) {
      SessionOptions options;
      options.isa = isa;
      QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(*model, options));
      auto& outputs = outputs_.emplace_back();
      for (const TensorInfo& info : session.outputs()) {
        outputs.emplace_back(static_cast<size_t>(info.ElementCount()));
      }
      sessions_.push_back(std::move(session));
    }
    return Status::Ok();
  }

  Status Judge(const Sample& sample, int label, ItemResult& result) {
    for (size_t m = 0; m < sessions_.size(); ++m) {
      QRUN_RETURN_IF_ERROR(SetSample(sessions_[m], *models_[m], sample, m));
      sessions_[m].Run();
      for (size_t o = 0; o < outputs_[m].size(); ++o) {
        QRUN_RETURN_IF_ERROR(sessions_[m].GetOutput(static_cast<int>(o), outputs_[m][o]));
      }
      const std::vector<float>& first = outputs_[m][0];
      if (readings_[m].classes) result.scores[m].classes = JudgeClasses(first, *readings_[m].classes, label);
      if (readings_[m].anomaly) {
        QRUN_ASSIGN_OR_RETURN(result.scores[m].anomaly, Anomaly(m, sample, first));
      }
    }
    if (sessions_.size() == 2) {
      for (size_t o = 0; o < outputs_[0].size(); ++o) result.sqnr.Add(outputs_[1][o], outputs_[0][o]);
    }
    return Status::Ok();
  }

 private:
  Result<double> Anomaly(size_t m, const Sample& sample, const std::vector<float>& out) {
    switch (*readings_[m].anomaly) {
      case AnomalyKind::kValue:
        return double{out[0]};
      case AnomalyKind::kSecondClass:
        return static_cast<double>(out[1]) -
               out[0];  // rises with the confidence, for logits and probabilities
      case AnomalyKind::kReconstruction:
        break;
    }
    if (sample.arrays.empty() || sample.arrays[0].dtype != "f4") {
      return Status::InvalidArgument("the error of a reconstruction needs float32 arrays with --input");
    }
    const auto* values = reinterpret_cast<const float*>(sample.arrays[0].data.data());
    return MeanSquaredError({values, out.size()}, out);
  }

  std::span<const Model* const> models_;
  std::vector<Reading> readings_;
  std::vector<Session> sessions_;
  std::vector<std::vector<std::vector<float>>> outputs_;  // [model][output]
};

Status CheckLabels(const SampleSource& source, const Model& model, const EvaluateOptions& options) {
  const int64_t classes = options.metric == Metric::kAuc ? 2 : model.outputs()[0].ElementCount();
  for (size_t i = 0; i < source.size(); ++i) {
    const int label = source.Label(i);
    if (label < 0) continue;
    const int64_t index = int64_t{label} + options.label_offset;
    if (index >= 0 && index < classes) continue;
    return Status::InvalidArgument(
        Cat(source.LabelPlace(i), ": class ", label,
            options.label_offset != 0 ? Cat(" + offset ", options.label_offset) : "", " is outside of 0..",
            classes - 1, ", the classes of model '", model.name(),
            "'; --label-offset shifts the classes, --ignore-labels leaves them out"));
  }
  return Status::Ok();
}

struct Loaded {
  size_t index = 0;
  Result<Sample> sample;
};

}  // namespace

Status CheckSameShapes(const Model& a, const Model& b) {
  const auto compare = [&](const char* what, const std::vector<TensorInfo>& left,
                           const std::vector<TensorInfo>& right) -> Status {
    std::string texts[2];
    for (const TensorInfo& info : left) texts[0] += (texts[0].empty() ? "" : ", ") + ShapeText(info);
    for (const TensorInfo& info : right) texts[1] += (texts[1].empty() ? "" : ", ") + ShapeText(info);
    if (texts[0] == texts[1]) return Status::Ok();
    return Status::InvalidArgument(Cat("the models cannot be compared: '", a.name(), "' has ", what, " ",
                                       texts[0], ", '", b.name(), "' has ", texts[1]));
  };
  QRUN_RETURN_IF_ERROR(compare("inputs", a.inputs(), b.inputs()));
  return compare("outputs", a.outputs(), b.outputs());
}

Status Evaluate(std::span<const Model* const> models, const SampleSource& source,
                const EvaluateOptions& options, const EvaluateHooks& hooks,
                std::vector<ItemResult>& results) {
  if (models.size() == 2) QRUN_RETURN_IF_ERROR(CheckSameShapes(*models[1], *models[0]));
  const bool labelled = source.Label(0) >= 0;
  if (options.metric == Metric::kAuc && !labelled) {
    return Status::InvalidArgument("--metric auc needs labels: 0 for normal, 1 for anomalous items");
  }
  std::vector<Reading> readings;
  for (const Model* model : models) {
    QRUN_ASSIGN_OR_RETURN(Reading reading, ReadingOf(*model, options.metric, labelled));
    readings.push_back(reading);
  }
  QRUN_RETURN_IF_ERROR(CheckLabels(source, *models[0], options));
  std::vector<Runner> runners;
  for (int i = 0; i < options.threads; ++i) {
    QRUN_RETURN_IF_ERROR(runners.emplace_back(models, readings).Open(options.isa));
  }

  std::vector<size_t> pending;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].state == ItemResult::State::kPending) pending.push_back(i);
  }
  BoundedQueue<Loaded> queue(2 * static_cast<size_t>(options.threads));
  std::atomic<size_t> next{0};
  std::mutex results_mutex;
  size_t done = results.size() - pending.size();

  const auto decode = [&] {
    while (hooks.stop == nullptr || !hooks.stop->load()) {
      const size_t at = next.fetch_add(1);
      if (at >= pending.size()) return;
      queue.Push({pending[at], source.Load(pending[at])});
    }
  };
  const auto run = [&](Runner& runner) {
    while (auto loaded = queue.Pop()) {
      const int label = source.Label(loaded->index);
      ItemResult result;
      Status status = Status::Ok();
      if (loaded->sample.ok()) {
        status = runner.Judge(*loaded->sample, label < 0 ? -1 : label + options.label_offset, result);
      } else {
        status = loaded->sample.error();
      }
      result.state = status.ok() ? ItemResult::State::kDone : ItemResult::State::kFailed;
      result.error = status.message();
      std::lock_guard lock(results_mutex);
      results[loaded->index] = std::move(result);
      if (hooks.progress) hooks.progress(++done, results.size());
    }
  };
  std::vector<std::jthread> running;
  for (Runner& runner : runners) running.emplace_back(run, std::ref(runner));
  {
    std::vector<std::jthread> decoding;
    for (int i = 0; i < options.threads; ++i) decoding.emplace_back(decode);
  }
  queue.Close();
  return Status::Ok();
}

}  // namespace qrun::bench
