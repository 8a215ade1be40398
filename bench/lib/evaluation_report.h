// The results of single items summed up, as JSON and for people.
#ifndef QRUN_BENCH_LIB_EVALUATION_REPORT_H_
#define QRUN_BENCH_LIB_EVALUATION_REPORT_H_

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "bench/lib/evaluate.h"

namespace qrun::bench {

// Accuracy of one model over the items that succeeded. NaN where it cannot be known (no labels, other
// metric).
struct Accuracy {
  double top1 = 0, top5 = 0;  // per cent
  double loss = 0;            // nats, mean
  double auc = 0;             // 0..1
  // What retention compares: top-1, or the AUC.
  double Primary(Metric metric) const { return metric == Metric::kAuc ? auc : top1; }
};

struct EvaluationSummary {
  Metric metric = Metric::kTop1;
  size_t images = 0;  // evaluated
  size_t failed = 0;
  Accuracy accuracy[2];  // of the model, of the reference
  bool has_reference = false;
  double agreement = 0;  // per cent of items for which both predict the same class; NaN if there is none
  double sqnr_db = 0;    // over all outputs; NaN without reference
  // 100 * model / reference of the primary measure; NaN without one
  double Retention() const;
};

// Sums up in the order of the items: the same results give the same sums. Pending items are left out.
// models.size() is 1 or 2.
EvaluationSummary Summarize(std::span<const ItemResult> results, const SampleSource& source, Metric metric,
                            std::span<const Model* const> models);

// The keys that README.md documents for qeval: metric, images, failed, top1, top5, loss, auc, agreement,
// retention, sqnr_db, reference{top1, top5, loss, auc} (null without reference), errors[]{name, error}. What
// is not known is null.
nlohmann::json SummaryJson(const EvaluationSummary& summary, std::span<const ItemResult> results,
                           const SampleSource& source);

// One model's accuracy: metric, images, failed, top1, top5, loss, auc. which: 0 the model, 1 the reference.
nlohmann::json AccuracyJson(const EvaluationSummary& summary, size_t which);

std::string SummaryText(const EvaluationSummary& summary);

// CSV: a row per right class, a column per class the model predicted, both headed by the model's labels (or
// numbers). Precondition: the metric is kTop1.
std::string ConfusionCsv(std::span<const ItemResult> results, const SampleSource& source, int label_offset,
                         const Model& model);

// A number, or null if it is NaN or infinite: JSON knows neither.
nlohmann::json NumberOrNull(double value);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_EVALUATION_REPORT_H_
