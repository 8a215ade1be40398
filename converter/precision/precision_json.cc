#include "converter/precision/precision_json.h"

#include <algorithm>

#include "converter/layer_json.h"

namespace qrun::converter {
namespace {

using Json = nlohmann::ordered_json;

Json DeviationJson(const Deviation& deviation) {
  if (deviation.samples == 0) return Json();
  return {{"sqnr_db", NumberOrNull(deviation.SqnrDb())}, {"changed", deviation.changed}};
}

Json JudgementJson(const Judgement& judgement) {
  Json json = {{"sqnr_db", NumberOrNull(judgement.SqnrDb())},
               {"samples", judgement.deviation.samples},
               {"changed", judgement.deviation.changed},
               {"accuracy", Json()},
               {"float_accuracy", Json()}};
  if (judgement.accuracy) json["accuracy"] = *judgement.accuracy;
  if (judgement.float_accuracy) json["float_accuracy"] = *judgement.float_accuracy;
  return json;
}

}  // namespace

Json SensitivityJson(const std::optional<SensitivityReport>& report,
                     const std::optional<PrecisionReport>& precision) {
  if (!report) return Json();
  const Sensitivity& sensitivity = report->sensitivity;
  Json rows = Json::array();
  for (size_t i = 0; i < sensitivity.layers.size(); ++i) {
    const LayerSensitivity& layer = sensitivity.layers[i];
    const TimedPair& time = report->times[i];
    const auto kept = precision ? std::span(precision->search.kept) : std::span<const size_t>();
    rows.push_back({{"name", layer.unit.name},
                    {"op", layer.op},
                    {"operators", layer.unit.nodes.size()},
                    {"alone", DeviationJson(layer.alone)},
                    {"without", DeviationJson(layer.without)},
                    {"cost",
                     {{"float_us", layer.cost.float_us},
                      {"int8_us", layer.cost.int8_us},
                      {"block", layer.cost.block < 0 ? Json() : Json(layer.cost.block)},
                      {"breakup_us", layer.cost.breakup_us}}},
                    {"measured", {{"float_us", time.float_us}, {"int8_us", time.int8_us}}},
                    {"kept_float", std::find(kept.begin(), kept.end(), i) != kept.end()}});
  }
  return {{"samples", sensitivity.all.samples}, {"all", DeviationJson(sensitivity.all)}, {"rows", rows}};
}

Json PrecisionJson(const std::optional<PrecisionReport>& report) {
  if (!report) return Json();
  Json kept = Json::array();
  for (size_t layer : report->search.kept) kept.push_back(report->layers[layer]);
  return {{"goal", report->goal},
          {"kept", kept},
          {"keep_float", report->keep_float},
          {"layers", report->layers.size()},
          {"before", JudgementJson(report->search.before)},
          {"after", JudgementJson(report->search.after)},
          {"conversions", report->search.conversions},
          {"out_of_time", report->search.out_of_time},
          {"seconds", report->seconds}};
}

Json SpeedJson(const std::optional<SpeedReport>& report) {
  if (!report) return Json();
  return {{"required", report->required},
          {"speedup", report->measured.Speedup()},
          {"float_us", report->measured.float_us},
          {"int8_us", report->measured.int8_us},
          {"runs", report->measured.runs}};
}

}  // namespace qrun::converter
