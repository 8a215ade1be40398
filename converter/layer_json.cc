#include "converter/layer_json.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace qrun::converter {
namespace {

using Json = nlohmann::ordered_json;

// The double with the fewest digits that is this float: JSON then says 0.1 and not 0.10000000149011612.
double Short(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

Json ShortList(const std::vector<float>& values) {
  Json list = Json::array();
  for (float value : values) list.push_back(Short(value));
  return list;
}

// Null if nothing finite was counted.
Json HistogramJson(const Histogram& histogram) {
  if (histogram.total() == 0) return nullptr;
  Json edges = Json::array();
  for (size_t i = 0; i <= histogram.counts().size(); ++i) edges.push_back(histogram.Edge(i));
  return {{"min", Short(histogram.min())},
          {"max", Short(histogram.max())},
          {"values", histogram.total()},
          {"edges", std::move(edges)},
          {"counts", histogram.counts()}};
}

Json WeightsJson(const WeightFacts& weights) {
  return {{"histogram", HistogramJson(weights.values)},
          {"channel_min", ShortList(weights.channel_min)},
          {"channel_max", ShortList(weights.channel_max)},
          {"channel_limit", ShortList(weights.channel_limit)}};
}

Json SaturationJson(const SaturationProof& proof) {
  return {{"largest_sum", proof.largest_sum},
          {"accumulator_safe", proof.accumulator_safe()},
          {"channels", proof.channels},
          {"pair_safe_channels", proof.pair_safe_channels}};
}

}  // namespace

Json NumberOrNull(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json LayersJson(const LayerReport& report) {
  Json rows = Json::array();
  for (const LayerFacts& layer : report.layers) {
    rows.push_back({{"name", layer.name},
                    {"op", layer.op},
                    {"block", layer.block},
                    {"part", layer.part},
                    {"shape", layer.shape},
                    {"dtype", layer.int8 ? "int8" : "float32"},
                    {"macs", layer.macs},
                    {"parameters", layer.parameters},
                    {"sqnr_db", NumberOrNull(layer.sqnr_db)},
                    {"cosine", NumberOrNull(layer.cosine)},
                    {"clip", layer.int8 ? Json{{"min", Short(layer.clip_min)},
                                               {"max", Short(layer.clip_max)},
                                               {"clipped", layer.clipped},
                                               {"clipped_share", layer.ClippedShare()},
                                               {"range_use", layer.RangeUse()}}
                                        : Json()},
                    {"local_sqnr_db", layer.local_sqnr_db ? Json(*layer.local_sqnr_db) : Json()},
                    {"saturation", layer.saturation ? SaturationJson(*layer.saturation) : Json()},
                    {"activations", HistogramJson(layer.activations)},
                    {"weights", layer.weights ? WeightsJson(*layer.weights) : Json()}});
  }
  return {{"samples", report.samples}, {"rows", std::move(rows)}};
}

Json FindingsJson(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"layer", finding.layer},
                    {"op", finding.op},
                    {"cause", finding.cause},
                    {"evidence", finding.evidence},
                    {"cure", finding.cure},
                    {"sqnr_db", finding.sqnr_db ? Json(*finding.sqnr_db) : Json()},
                    {"gain_db", finding.gain_db ? Json(*finding.gain_db) : Json()},
                    {"repaired", finding.repaired},
                    {"text", FindingText(finding)}});
  }
  return list;
}

}  // namespace qrun::converter
