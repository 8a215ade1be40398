#include "runtime/cli/classify.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/model_impl.h"
#include "schema/cat.h"

namespace qrun::cli {

Result<ScoreKind> ScoreKindOf(const Model& model) {
  const TensorInfo& info = model.outputs()[0];
  if (info.ElementCount() < 2 || info.extents.back() != info.ElementCount()) {
    std::string shape;
    for (int extent : info.extents) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    return Status::Unsupported(Cat("output '", info.name, "' of shape [", shape,
                                   "] is not a list of classes; write it to a file with --output y.npy"));
  }
  const fb::Model& file = *model.impl().file;
  int tensor = file.outputs()->Get(0);
  for (uint32_t i = file.operators()->size(); i-- > 0;) {
    const fb::Operator& op = *file.operators()->Get(i);
    if (op.outputs()->Get(0) != tensor) continue;
    switch (op.options_type()) {
      case fb::Options::Softmax:
        return ScoreKind::kProbabilities;
      case fb::Options::Quantize:
      case fb::Options::Dequantize:
      case fb::Options::Requantize:
      case fb::Options::Reshape:
        tensor = op.inputs()->Get(0);
        continue;
      default:
        return ScoreKind::kLogits;
    }
  }
  return ScoreKind::kLogits;
}

std::vector<ClassScore> TopClasses(std::span<const float> scores, ScoreKind kind, int k,
                                   const std::vector<std::string>& labels) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t count = std::min<size_t>(std::max(k, 1), order.size());
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[a] > scores[b]; });
  double sum = 0;
  for (float score : scores) sum += std::exp(static_cast<double>(score) - scores[order[0]]);
  std::vector<ClassScore> top;
  for (size_t i = 0; i < count; ++i) {
    const int index = order[i];
    const double confidence = kind == ScoreKind::kProbabilities
                                  ? scores[index]
                                  : std::exp(static_cast<double>(scores[index]) - scores[order[0]]) / sum;
    const bool named = static_cast<size_t>(index) < labels.size();
    top.push_back({index, named ? labels[index] : Cat("class ", index), static_cast<float>(confidence)});
  }
  return top;
}

}  // namespace qrun::cli
