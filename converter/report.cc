#include "converter/report.h"

#include <nlohmann/json.hpp>

#include "converter/layer_json.h"
#include "converter/precision/precision_json.h"

namespace qrun::converter {
namespace {

using Json = nlohmann::ordered_json;

Json TensorJson(const TensorInfo& info) {
  Json json = {{"name", info.name},
               {"shape", info.extents},
               {"dtype", info.dtype == DType::kInt8 ? "int8" : "float32"},
               {"source_layout", info.source_is_nchw ? "nchw" : "same"}};
  if (info.dtype == DType::kInt8) {
    json["scale"] = info.scale;
    json["zero_point"] = info.zero_point;
  }
  if (!info.channel_offset.empty()) {
    json["channel_scale"] = info.channel_scale;
    json["channel_offset"] = info.channel_offset;
  }
  return json;
}

Json PreprocessingJson(const Preprocessing& p) {
  const char* rules[] = {"short_side", "stretch", "none"};
  const char* colors[] = {"rgb", "bgr", "gray"};
  return {{"preset", p.preset}, {"rule", rules[static_cast<int>(p.rule)]},
          {"resize", p.resize}, {"crop_h", p.crop_h},
          {"crop_w", p.crop_w}, {"color", colors[static_cast<int>(p.color)]},
          {"mean", p.mean},     {"std", p.std}};
}

Json QuantizationJson(const QuantizeReport& q) {
  Json kept = Json::array(), activations = Json::array();
  for (const auto& node : q.kept_float)
    kept.push_back({{"name", node.name}, {"op", node.op}, {"reason", node.reason}});
  for (const auto& a : q.activations) {
    activations.push_back(
        {{"name", a.name}, {"min", a.min}, {"max", a.max}, {"scale", a.scale}, {"zero_point", a.zero_point}});
  }
  return {{"int8_operators", q.int8_operators},
          {"kept_float", kept},
          {"lookup_tables", q.lookup_tables},
          {"quantize_inserted", q.quantize_inserted},
          {"dequantize_inserted", q.dequantize_inserted},
          {"weight_channels", q.weight_channels},
          {"zero_channels", q.zero_channels},
          {"widened_channels", q.widened_channels},
          {"activations", activations}};
}

}  // namespace

std::string SummaryJson(const ConversionReport& report, int indent) {
  Json json;
  json["tool"] = "qconvert";
  json["version"] = Version();
  json["model"] = report.model_name;
  json["dtype"] = report.dtype;
  json["options"] = report.options;
  const auto& source = report.source;
  json["source"] = {{"path", source.path},         {"bytes", source.bytes}, {"sha256", source.sha256},
                    {"producer", source.producer}, {"opset", source.opset}, {"operators", source.operators},
                    {"notes", source.notes}};
  json["output"] = {
      {"path", report.output_path},
      {"bytes", report.file_bytes},
      {"sha256", report.file_sha256},
      {"float32_bytes", report.float_bytes != 0 ? Json(report.float_bytes) : Json()},
      {"compression", static_cast<double>(source.bytes) / static_cast<double>(report.file_bytes)},
      {"arena_bytes", report.arena_bytes},
      {"qdq",
       report.qdq_path.empty() ? Json() : Json({{"path", report.qdq_path}, {"bytes", report.qdq_bytes}})}};
  json["inputs"] = Json::array();
  for (const auto& input : report.inputs) json["inputs"].push_back(TensorJson(input));
  json["outputs"] = Json::array();
  for (const auto& output : report.outputs) json["outputs"].push_back(TensorJson(output));
  json["preprocessing"] = report.preprocessing ? PreprocessingJson(*report.preprocessing) : Json();
  json["labels"] = report.labels;
  json["passes"] = Json::array();
  for (const auto& pass : report.passes) {
    json["passes"].push_back({{"name", pass.name}, {"what", pass.what}, {"count", pass.count}});
  }
  json["calibration"] = Json();
  if (report.calibration) {
    const auto& c = *report.calibration;
    Json failures = Json::array();
    for (const auto& f : c.failures) failures.push_back({{"sample", f.sample}, {"message", f.message}});
    json["calibration"] = {
        {"path", c.path}, {"observer", c.observer}, {"samples_used", c.samples_used}, {"failures", failures}};
  }
  json["repairs"] = Json::array();
  for (const RepairStep& step : report.steps) {
    json["repairs"].push_back({{"name", step.name},
                               {"what", step.what},
                               {"sqnr_db", std::isfinite(step.sqnr_db) ? Json(step.sqnr_db) : Json()}});
  }
  json["sensitivity"] = SensitivityJson(report.sensitivity, report.precision);
  json["precision"] = PrecisionJson(report.precision);
  json["speed"] = SpeedJson(report.speed);
  json["quantization"] = report.quantization ? QuantizationJson(*report.quantization) : Json();
  json["blocks_fused"] = report.blocks_fused;
  json["operators"] = report.operators;
  json["parameters"] = report.parameters;
  json["macs"] = report.macs;
  json["check"] = {{"samples", report.samples_checked}, {"outputs", Json::array()}};
  for (const auto& check : report.checks) {
    json["check"]["outputs"].push_back({{"name", check.name},
                                        {"sqnr_db", NumberOrNull(check.sqnr_db)},
                                        {"cosine", check.cosine},
                                        {"same_top1", check.same_top1}});
  }
  json["layers"] = report.layers ? LayersJson(*report.layers) : Json();
  json["input_fit"] =
      report.layers && report.layers->input_divergence ? Json(*report.layers->input_divergence) : Json();
  json["findings"] = report.layers ? FindingsJson(report.layers->findings) : Json();
  json["plans"] = {{"float32", Json(report.float_plan)}, {"int8", Json(report.int8_plan)}};
  json["seconds"] = Json::object();
  for (const auto& stage : report.stages) json["seconds"][stage.name] = stage.seconds;
  json["warnings"] = report.warnings;
  // Names come from the source file and need not be UTF-8.
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace qrun::converter
