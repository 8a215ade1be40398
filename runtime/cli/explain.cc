#include "runtime/cli/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "runtime/cli/classify.h"
#include "runtime/model_impl.h"
#include "schema/cat.h"

namespace qrun::cli {
namespace {

using nlohmann::json;

size_t Elements(const fb::Tensor& tensor) {
  size_t count = 1;
  for (int32_t extent : *tensor.shape()) count *= static_cast<size_t>(extent);
  return count;
}

// Real numbers in the source model's units.
void Decode(const fb::Tensor& tensor, std::span<const std::byte> bytes, std::vector<float>& reals) {
  if (tensor.dtype() == fb::DType::Float32) {
    std::memcpy(reals.data(), bytes.data(), bytes.size());
  } else {
    const auto* quantised = reinterpret_cast<const int8_t*>(bytes.data());
    const fb::Quantization& quant = *tensor.quantization();
    const float scale = quant.scale()->Get(0);
    const int zero_point = quant.zero_point() ? quant.zero_point()->Get(0) : 0;
    for (size_t i = 0; i < reals.size(); ++i) {
      reals[i] = static_cast<float>(quantised[i] - zero_point) * scale;
    }
  }
  if (const auto* offsets = tensor.channel_offset()) {
    for (size_t i = 0; i < reals.size(); ++i)
      reals[i] -= offsets->Get(static_cast<uint32_t>(i % offsets->size()));
  }
  if (const auto* scales = tensor.channel_scale()) {
    for (size_t i = 0; i < reals.size(); ++i)
      reals[i] /= scales->Get(static_cast<uint32_t>(i % scales->size()));
  }
}

// A layer and the values of the float model that it stands for.
struct Stage {
  std::string name, type;
  std::vector<int> tensors;  // of the int8 model
};

int ArgMax(std::span<const float> scores) {
  return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

double Lead(std::span<const float> scores, int of) {
  double best = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < scores.size(); ++i) {
    if (static_cast<int>(i) != of) best = std::max(best, static_cast<double>(scores[i]));
  }
  return scores[static_cast<size_t>(of)] - best;
}

}  // namespace

struct Explainer::Impl {
  const fb::Model& int8_file;
  const fb::Model& float_file;
  std::vector<Stage> stages;
  std::map<int, int> float_of_int8, int8_of_float;  // tensors of equal name
  std::map<int, size_t> stage_of;                   // int8 tensor -> stage
  std::vector<std::vector<float>> values;           // per tensor of the int8 model that corresponds
  size_t taken = 0;                                 // stages that the float session takes from `values`
  std::optional<Session> int8_session, float_session;

  Impl(const fb::Model& int8, const fb::Model& reference) : int8_file(int8), float_file(reference) {}

  void Pair(int int8_tensor, const std::map<std::string, int>& float_tensors, Stage& stage) {
    const fb::Tensor& tensor = *int8_file.tensors()->Get(int8_tensor);
    const auto found = float_tensors.find(tensor.name()->str());
    if (found == float_tensors.end()) return;
    const fb::Tensor& other = *float_file.tensors()->Get(found->second);
    if (Elements(other) != Elements(tensor)) return;
    float_of_int8[int8_tensor] = found->second;
    int8_of_float[found->second] = int8_tensor;
    stage.tensors.push_back(int8_tensor);
    values[static_cast<size_t>(int8_tensor)].resize(Elements(tensor));
  }

  Status FindStages() {
    values.resize(int8_file.tensors()->size());
    std::map<std::string, int> float_tensors;
    for (int32_t i : *float_file.inputs()) float_tensors[float_file.tensors()->Get(i)->name()->str()] = i;
    for (const fb::Operator* op : *float_file.operators()) {
      for (int32_t i : *op->outputs()) float_tensors[float_file.tensors()->Get(i)->name()->str()] = i;
    }
    Stage inputs{"input", "Input", {}};
    for (int32_t i : *int8_file.inputs()) Pair(i, float_tensors, inputs);
    stages.push_back(std::move(inputs));
    Stage open{"", "", {}};
    for (const fb::Operator* op : *int8_file.operators()) {
      const std::string name = op->name()->str();
      open.name += (open.name.empty() ? "" : " + ") + name;
      open.type = fb::EnumNameOptions(op->options_type());
      const size_t before = open.tensors.size();
      for (int32_t i : *op->outputs()) Pair(i, float_tensors, open);
      if (open.tensors.size() == before) continue;
      stages.push_back(std::move(open));
      open = {"", "", {}};
    }
    if (!open.name.empty() && stages.size() > 1) stages.back().name += " + " + open.name;
    if (stages.size() < 2) {
      return Status::InvalidArgument(
          "no layer of the two models has the same output; expected the float file that qconvert --dtype "
          "fp32 "
          "makes of the same source");
    }
    for (size_t s = 0; s < stages.size(); ++s) {
      for (int tensor : stages[s].tensors) stage_of[tensor] = s;
    }
    return Status::Ok();
  }

  Status CreateSessions(const Model& int8_model, const Model& float_model) {
    SessionOptions options;
    options.reproducible_float = true;
    options.tap = [this](int tensor, std::span<const std::byte> bytes) {
      if (stage_of.contains(tensor)) {
        Decode(*int8_file.tensors()->Get(tensor), bytes, values[static_cast<size_t>(tensor)]);
      }
    };
    QRUN_ASSIGN_OR_RETURN(int8_session, Session::Create(int8_model, options));
    options.tap = nullptr;
    options.inject = [this](int tensor, std::span<std::byte> bytes) {
      const auto found = int8_of_float.find(tensor);
      if (found == int8_of_float.end() || stage_of[found->second] >= taken) return;
      std::memcpy(bytes.data(), values[static_cast<size_t>(found->second)].data(), bytes.size());
    };
    QRUN_ASSIGN_OR_RETURN(float_session, Session::Create(float_model, options));
    return Status::Ok();
  }
};

Explainer::Explainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer::~Explainer() = default;

Result<Explainer> Explainer::Create(const Model& int8_model, const Model& float_model) {
  QRUN_ASSIGN_OR_RETURN([[maybe_unused]] const ScoreKind kind, ScoreKindOf(int8_model));
  const TensorInfo &ours = int8_model.outputs()[0], &theirs = float_model.outputs()[0];
  if (ours.ElementCount() != theirs.ElementCount()) {
    return Status::InvalidArgument(Cat("the model has ", ours.ElementCount(), " classes and the float model ",
                                       theirs.ElementCount(), "; expected two files of one source"));
  }
  for (const fb::Tensor* tensor : *float_model.impl().file->tensors()) {
    if (tensor->dtype() == fb::DType::Float32) continue;
    return Status::InvalidArgument(
        Cat("tensor '", tensor->name()->string_view(),
            "' of the reference is quantised; expected the float file that qconvert "
            "--dtype fp32 makes of the same source"));
  }
  auto impl = std::make_unique<Impl>(*int8_model.impl().file, *float_model.impl().file);
  QRUN_RETURN_IF_ERROR(impl->FindStages());
  QRUN_RETURN_IF_ERROR(impl->CreateSessions(int8_model, float_model));
  return Explainer(std::move(impl));
}

Session& Explainer::int8_session() { return *impl_->int8_session; }
Session& Explainer::float_session() { return *impl_->float_session; }

Result<Explanation> Explainer::Explain() {
  Impl& self = *impl_;
  self.int8_session->Run();
  const size_t classes = static_cast<size_t>(self.float_session->outputs()[0].ElementCount());
  std::vector<std::optional<std::vector<float>>> scores(self.stages.size() + 1);
  // Inputs survive a run, but hybrids replace them: they are put back for hybrid 0.
  std::vector<std::vector<std::byte>> inputs;
  for (int i = 0; i < static_cast<int>(self.float_session->inputs().size()); ++i) {
    const auto bytes = self.float_session->InputBytes(i);
    inputs.emplace_back(bytes.begin(), bytes.end());
  }
  const auto scores_of = [&](size_t n) -> Result<std::span<const float>> {
    if (!scores[n]) {
      for (size_t i = 0; i < inputs.size(); ++i) {
        std::memcpy(self.float_session->InputBytes(static_cast<int>(i)).data(), inputs[i].data(),
                    inputs[i].size());
      }
      self.taken = n;
      self.float_session->Run();
      std::vector<float>& list = scores[n].emplace(classes);
      QRUN_RETURN_IF_ERROR(self.float_session->GetOutput(0, list));
    }
    return std::span<const float>(*scores[n]);
  };

  Explanation result;
  size_t low = 0, high = self.stages.size();
  QRUN_ASSIGN_OR_RETURN(const auto in_float, scores_of(low));
  QRUN_ASSIGN_OR_RETURN(const auto in_int8, scores_of(high));
  result.float_class = ArgMax(in_float);
  result.int8_class = ArgMax(in_int8);
  result.float_lead = Lead(in_float, result.float_class);
  // Hybrid `low` answers as float does, hybrid `high` does not.
  while (!result.agrees() && high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    QRUN_ASSIGN_OR_RETURN(const auto hybrid, scores_of(middle));
    (ArgMax(hybrid) == result.float_class ? low : high) = middle;
  }
  for (const auto& run : scores) result.hybrids_bisected += run.has_value();

  double before = result.float_lead;
  for (size_t n = 1; n <= self.stages.size(); ++n) {
    QRUN_ASSIGN_OR_RETURN(const auto hybrid, scores_of(n));
    const double lead = Lead(hybrid, result.float_class);
    result.layers.push_back(
        {self.stages[n - 1].name, self.stages[n - 1].type, lead, lead - before, ArgMax(hybrid)});
    before = lead;
  }
  const auto costliest = std::min_element(result.layers.begin(), result.layers.end(),
                                          [](const auto& a, const auto& b) { return a.change < b.change; });
  result.culprit = static_cast<int>(result.agrees() ? costliest - result.layers.begin()
                                                    : static_cast<std::ptrdiff_t>(high) - 1);
  return result;
}

json ExplanationJson(const Explanation& explanation, const std::vector<std::string>& labels) {
  const auto label = [&](int index) {
    return static_cast<size_t>(index) < labels.size() ? labels[static_cast<size_t>(index)]
                                                      : Cat("class ", index);
  };
  const Explanation::Layer& culprit = explanation.layers[static_cast<size_t>(explanation.culprit)];
  json result = {{"agrees", explanation.agrees()},
                 {"float_class", explanation.float_class},
                 {"int8_class", explanation.int8_class},
                 {"float_label", label(explanation.float_class)},
                 {"int8_label", label(explanation.int8_class)},
                 {"float_lead", explanation.float_lead},
                 {"int8_lead", explanation.layers.back().lead},
                 {"culprit", culprit.name},
                 {"culprit_type", culprit.type},
                 {"hybrids_bisected", explanation.hybrids_bisected},
                 {"layers", json::array()}};
  for (const Explanation::Layer& layer : explanation.layers) {
    result["layers"].push_back({{"name", layer.name},
                                {"type", layer.type},
                                {"lead", layer.lead},
                                {"change", layer.change},
                                {"margin", std::max(0.0, -layer.lead)},
                                {"answer", layer.answer}});
  }
  return result;
}

std::string ExplanationText(const json& explanation) {
  const json& layers = explanation["layers"];
  const std::string culprit = explanation["culprit"];
  std::string text;
  if (explanation["agrees"].get<bool>()) {
    text = fmt::format("  float and int8 agree on {}; the layer that cost most of its lead: {}\n",
                       explanation["float_label"].get<std::string>(), culprit);
  } else {
    text = fmt::format(
        "  float says {}, int8 {}; the answer changes at {} ({}), found with {} hybrids\n",
        explanation["float_label"].get<std::string>(), explanation["int8_label"].get<std::string>(), culprit,
        explanation["culprit_type"].get<std::string>(), explanation["hybrids_bisected"].get<int>());
  }
  size_t width = 10;
  for (const json& layer : layers) width = std::max(width, layer["name"].get<std::string>().size());
  width = std::min<size_t>(width, 48);
  text += fmt::format("  {:>4}  {:{}}  {:16}  {:>10}  {:>10}\n", "#", "int8 up to", width, "type", "lead",
                      "change");
  text += fmt::format("  {:>4}  {:{}}  {:16}  {:>10.4g}\n", "-", "(float)", width, "",
                      explanation["float_lead"].get<double>());
  for (size_t i = 0; i < layers.size(); ++i) {
    std::string name = layers[i]["name"];
    const bool marked = name == culprit;
    if (name.size() > width) name = "..." + name.substr(name.size() - width + 3);
    text += fmt::format("  {:>4}  {:{}}  {:16}  {:>10.4g}  {:>+10.4g}{}\n", i, name, width,
                        layers[i]["type"].get<std::string>(), layers[i]["lead"].get<double>(),
                        layers[i]["change"].get<double>(), marked ? "  <--" : "");
  }
  return text;
}

}  // namespace qrun::cli
