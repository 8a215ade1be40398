#include "bench/lib/evaluation_report.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "bench/lib/output_file.h"

namespace qrun::bench {
namespace {

using nlohmann::json;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

bool Done(const ItemResult& result) { return result.state == ItemResult::State::kDone; }

Accuracy AccuracyOf(std::span<const ItemResult> results, const SampleSource& source, Metric metric,
                    size_t which) {
  Accuracy accuracy = {kUnknown, kUnknown, kUnknown, kUnknown};
  if (metric == Metric::kAuc) {
    std::vector<double> scores;
    std::vector<int> labels;
    for (size_t i = 0; i < results.size(); ++i) {
      if (!Done(results[i])) continue;
      scores.push_back(results[i].scores[which].anomaly);
      labels.push_back(source.Label(i));
    }
    accuracy.auc = Auc(scores, labels);
    return accuracy;
  }
  size_t judged = 0, first = 0, first_five = 0;
  double loss = 0;
  for (const ItemResult& result : results) {
    const ClassResult& classes = result.scores[which].classes;
    if (!Done(result) || classes.rank < 0) continue;
    ++judged;
    first += classes.rank == 0;
    first_five += classes.rank < 5;
    loss += classes.loss;
  }
  if (judged == 0) return accuracy;
  const double count = static_cast<double>(judged);
  accuracy.top1 = 100 * static_cast<double>(first) / count;
  accuracy.top5 = 100 * static_cast<double>(first_five) / count;
  accuracy.loss = loss / count;
  return accuracy;
}

double Agreement(std::span<const ItemResult> results) {
  size_t both = 0, same = 0;
  for (const ItemResult& result : results) {
    const int a = result.scores[0].classes.predicted, b = result.scores[1].classes.predicted;
    if (!Done(result) || a < 0 || b < 0) continue;
    ++both;
    same += a == b;
  }
  return both == 0 ? kUnknown : 100 * static_cast<double>(same) / static_cast<double>(both);
}

json ScoresJson(const Accuracy& accuracy) {
  return {{"top1", NumberOrNull(accuracy.top1)},
          {"top5", NumberOrNull(accuracy.top5)},
          {"loss", NumberOrNull(accuracy.loss)},
          {"auc", NumberOrNull(accuracy.auc)}};
}

std::string AccuracyText(const Accuracy& accuracy, Metric metric) {
  if (metric == Metric::kAuc) return fmt::format("AUC {:.4f}", accuracy.auc);
  if (std::isnan(accuracy.top1)) return "no labels";
  return fmt::format("top-1 {:.2f} %, top-5 {:.2f} %, loss {:.4f}", accuracy.top1, accuracy.top5,
                     accuracy.loss);
}

}  // namespace

double EvaluationSummary::Retention() const {
  if (!has_reference) return kUnknown;
  return 100 * accuracy[0].Primary(metric) / accuracy[1].Primary(metric);
}

EvaluationSummary Summarize(std::span<const ItemResult> results, const SampleSource& source, Metric metric,
                            std::span<const Model* const> models) {
  EvaluationSummary summary;
  summary.metric = metric;
  summary.has_reference = models.size() == 2;
  Sqnr sqnr;
  for (const ItemResult& result : results) {
    summary.images += Done(result);
    summary.failed += result.state == ItemResult::State::kFailed;
    sqnr.signal += result.sqnr.signal;
    sqnr.noise += result.sqnr.noise;
  }
  for (size_t m = 0; m < models.size(); ++m) {
    summary.accuracy[m] = AccuracyOf(results, source, metric, m);
  }
  summary.agreement = summary.has_reference ? Agreement(results) : kUnknown;
  summary.sqnr_db = summary.has_reference ? sqnr.Decibels() : kUnknown;
  return summary;
}

json NumberOrNull(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json AccuracyJson(const EvaluationSummary& summary, size_t which) {
  json result = ScoresJson(summary.accuracy[which]);
  result["metric"] = summary.metric == Metric::kAuc ? "auc" : "top1";
  result["images"] = summary.images;
  result["failed"] = summary.failed;
  return result;
}

json SummaryJson(const EvaluationSummary& summary, std::span<const ItemResult> results,
                 const SampleSource& source) {
  json result = AccuracyJson(summary, 0);
  result["agreement"] = NumberOrNull(summary.agreement);
  result["retention"] = NumberOrNull(summary.Retention());
  result["sqnr_db"] = NumberOrNull(summary.sqnr_db);
  result["reference"] = summary.has_reference ? ScoresJson(summary.accuracy[1]) : json(nullptr);
  result["errors"] = json::array();
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].state != ItemResult::State::kFailed) continue;
    result["errors"].push_back({{"name", source.Name(i)}, {"error", results[i].error}});
  }
  return result;
}

std::string SummaryText(const EvaluationSummary& summary) {
  std::string text = fmt::format("model      {}\n", AccuracyText(summary.accuracy[0], summary.metric));
  if (summary.has_reference) {
    text += fmt::format("reference  {}\n", AccuracyText(summary.accuracy[1], summary.metric));
    if (!std::isnan(summary.Retention())) text += fmt::format("retention  {:.2f} %\n", summary.Retention());
    if (!std::isnan(summary.agreement)) {
      text += fmt::format("agreement  {:.2f} % of predictions\n", summary.agreement);
    }
    text += std::isinf(summary.sqnr_db) ? "outputs    equal\n"
                                        : fmt::format("outputs    SQNR {:.2f} dB\n", summary.sqnr_db);
  }
  return text + fmt::format("evaluated  {}, failed {}\n", summary.images, summary.failed);
}

std::string ConfusionCsv(std::span<const ItemResult> results, const SampleSource& source, int label_offset,
                         const Model& model) {
  const size_t classes = static_cast<size_t>(model.outputs()[0].ElementCount());
  std::vector<size_t> counts(classes * classes);
  for (size_t i = 0; i < results.size(); ++i) {
    const int predicted = results[i].scores[0].classes.predicted;
    if (!Done(results[i]) || predicted < 0 || source.Label(i) < 0) continue;
    ++counts[static_cast<size_t>(source.Label(i) + label_offset) * classes + static_cast<size_t>(predicted)];
  }
  const auto name = [&](size_t c) {
    return c < model.labels().size() ? CsvField(model.labels()[c]) : std::to_string(c);
  };
  std::string text = "class";
  for (size_t c = 0; c < classes; ++c) text += "," + name(c);
  for (size_t row = 0; row < classes; ++row) {
    text += "\n" + name(row);
    for (size_t c = 0; c < classes; ++c) text += "," + std::to_string(counts[row * classes + c]);
  }
  return text + "\n";
}

}  // namespace qrun::bench
