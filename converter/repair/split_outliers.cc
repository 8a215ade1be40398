#include "converter/repair/split_outliers.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "converter/repair/linear_view.h"
#include "converter/repair/readers.h"

namespace qrun::converter {
namespace {

class Splitter {
 public:
  Splitter(Graph& graph, std::span<const ChannelStatistics> channels)
      : graph_(graph), channels_(channels), readers_(ReadersOf(graph)) {}

  SplitReport Run() {
    for (Node& node : graph_.nodes) Split(node);
    return report_;
  }

 private:
  bool IsPlain(const Node& node) const {
    const auto linear = AsLinear(graph_, node);
    return linear && !linear->depthwise && linear->oc == linear->oc_per_group;
  }

  void Split(Node& node) {
    const auto producer = AsLinear(graph_, node);
    if (!producer || !IsPlain(node) || !channels_[producer->dst].seen()) return;
    const float lo = producer->clamp.min();
    if (lo != 0 && lo > -std::numeric_limits<float>::max()) return;
    const ValueId dst = producer->dst;
    if (std::find(graph_.outputs.begin(), graph_.outputs.end(), dst) != graph_.outputs.end()) return;
    if (readers_[dst].empty()) return;
    for (size_t reader : readers_[dst]) {
      if (!IsPlain(graph_.nodes[reader]) || graph_.nodes[reader].inputs[0] != dst) return;
    }
    const std::vector<size_t> split = Outliers(*producer);
    if (split.empty()) return;
    Widen(node, *producer, split);
    for (size_t reader : readers_[dst]) Repeat(graph_.nodes[reader], split);
    graph_.values[dst].shape.back() += static_cast<int64_t>(split.size());
    graph_.values[dst].name += "/split";  // no longer the source's tensor, channel by channel
    ++report_.tensors;
    report_.channels += static_cast<int>(split.size());
  }

  // The channels to split, most at first, that bring the range down far enough; none if too many would have
  // to.
  std::vector<size_t> Outliers(const LinearView& producer) {
    const ChannelStatistics& seen = channels_[producer.dst];
    struct Reach {
      double reach;
      size_t channel;
    };
    std::vector<Reach> reaches;
    for (size_t c = 0; c < seen.channels(); ++c) reaches.push_back({seen.Reach(c), c});
    const auto further = [](const Reach& a, const Reach& b) {
      return a.reach != b.reach ? a.reach > b.reach : a.channel < b.channel;
    };
    std::sort(reaches.begin(), reaches.end(), further);
    const size_t most =
        std::max<size_t>(1, static_cast<size_t>(kSplitShare * static_cast<double>(reaches.size())));
    std::vector<size_t> split, best;
    const double before = reaches[0].reach;
    double least = before * kSplitGain;
    for (size_t i = 0; i < most && i + 1 < reaches.size(); ++i) {
      const bool capped = reaches[i].reach * kCapRoom >= producer.clamp.max();
      if (capped) break;
      split.push_back(reaches[i].channel);
      const double after = std::max(before / 2, reaches[i + 1].reach);
      if (after >= least || after <= 0) continue;
      least = after * kSplitGain;  // more channels have to pay as well
      best = split;
      report_.largest_gain = std::max(report_.largest_gain, before / after);
    }
    return best;
  }

  void Widen(Node& node, const LinearView& producer, const std::vector<size_t>& split) {
    const Value& wei = graph_.values[producer.wei];
    const size_t row = producer.Reduction();
    std::vector<float> rows(Floats(wei).begin(), Floats(wei).end());
    for (size_t c : split) {
      for (size_t i = 0; i < row; ++i) {
        rows[c * row + i] /= 2;
        rows.push_back(rows[c * row + i]);
      }
    }
    Shape shape = wei.shape;
    shape[0] += static_cast<int64_t>(split.size());
    node.inputs[1] = AddValue(graph_, FloatConstant(wei.name, shape, rows));
    if (producer.bia != kNoValue) {
      const Value& bia = graph_.values[producer.bia];
      std::vector<float> biases(Floats(bia).begin(), Floats(bia).end());
      for (size_t c : split) {
        biases[c] /= 2;
        biases.push_back(biases[c]);
      }
      const std::string name = bia.name;
      node.inputs[2] = AddValue(graph_, FloatConstant(name, {static_cast<int64_t>(biases.size())}, biases));
    }
    if (!node.norm) return;
    auto norm = std::make_shared<BatchNormStatistics>(*node.norm);
    for (size_t c : split) {
      norm->output_mean[c] /= 2;
      norm->output_std[c] /= 2;
      for (auto* list : {&norm->mean, &norm->variance, &norm->output_mean, &norm->output_std}) {
        if (!list->empty()) list->push_back((*list)[c]);
      }
    }
    node.norm = std::move(norm);
  }

  // Reads the new channels, which stand at the end, with the weights of the old ones.
  void Repeat(Node& node, const std::vector<size_t>& split) {
    const LinearView linear = *AsLinear(graph_, node);
    const Value& wei = graph_.values[linear.wei];
    const auto old = Floats(wei);
    std::vector<float> rows;
    for (size_t begin = 0; begin < old.size(); begin += linear.ic_per_group) {
      rows.insert(rows.end(), old.begin() + static_cast<std::ptrdiff_t>(begin),
                  old.begin() + static_cast<std::ptrdiff_t>(begin + linear.ic_per_group));
      for (size_t c : split) rows.push_back(old[begin + c]);
    }
    Shape shape = wei.shape;
    shape.back() += static_cast<int64_t>(split.size());
    node.inputs[1] = AddValue(graph_, FloatConstant(wei.name, shape, rows));
  }

  Graph& graph_;
  const std::span<const ChannelStatistics> channels_;
  const std::vector<std::vector<size_t>> readers_;
  SplitReport report_;
};

}  // namespace

SplitReport SplitOutliers(Graph& graph, std::span<const ChannelStatistics> channels) {
  return Splitter(graph, channels).Run();
}

}  // namespace qrun::converter
