#include "converter/repair/absorb_biases.h"

#include <algorithm>
#include <memory>

#include "converter/repair/linear_view.h"
#include "converter/repair/patch_means.h"
#include "converter/repair/readers.h"

namespace qrun::converter {
namespace {

class Absorber {
 public:
  Absorber(Graph& graph, std::span<const std::vector<double>> floor,
           std::span<const std::vector<double>> ceiling)
      : graph_(graph), floor_(floor), ceiling_(ceiling), readers_(ReadersOf(graph)) {}

  AbsorptionReport Run() {
    for (Node& node : graph_.nodes) Absorb(node);
    return report_;
  }

 private:
  // Reads whole windows only, with weights and a bias of constants.
  bool CanTakeBias(const Node& node, ValueId src) const {
    const auto linear = AsLinear(graph_, node);
    const auto geometry = PatchGeometryOf(graph_, node);
    if (!linear || !geometry || linear->src != src) return false;
    const PatchGeometry& g = *geometry;
    return g.pad_top == 0 && g.pad_left == 0 && (g.oh - 1) * g.stride_h + (g.kh - 1) * g.dilation_h < g.ih &&
           (g.ow - 1) * g.stride_w + (g.kw - 1) * g.dilation_w < g.iw;
  }

  void Absorb(Node& node) {
    const auto producer = AsLinear(graph_, node);
    if (!producer || producer->bia == kNoValue || producer->clamp.min() != 0) return;
    const ValueId dst = producer->dst;
    const bool output = std::find(graph_.outputs.begin(), graph_.outputs.end(), dst) != graph_.outputs.end();
    if (output || readers_[dst].empty() || floor_[dst].size() != producer->oc) return;
    for (size_t reader : readers_[dst]) {
      if (!CanTakeBias(graph_.nodes[reader], dst)) return;
    }
    std::vector<double> lowered = floor_[dst];
    double before = 0, after = 0;
    for (size_t c = 0; c < lowered.size(); ++c) {
      const double high = ceiling_[dst][c];
      if (!(lowered[c] > 0) || high * kCapRoom >= producer->clamp.max()) lowered[c] = 0;
      before = std::max(before, high);
      after = std::max(after, high - lowered[c]);
    }
    if (!(after < before)) return;
    // Lowering a channel below where the widest ends gains nothing.
    for (size_t c = 0; c < lowered.size(); ++c) {
      if (ceiling_[dst][c] <= after) lowered[c] = 0;
    }
    SetBias(node, *producer, [&](size_t o) { return -lowered[o]; });
    // No longer the source's value: it must not be compared with it by its name.
    graph_.values[dst].name += "/lowered";
    for (size_t reader : readers_[dst]) {
      const LinearView linear = *AsLinear(graph_, graph_.nodes[reader]);
      const auto wei = Floats(graph_.values[linear.wei]);
      SetBias(graph_.nodes[reader], linear, [&](size_t o) {
        double sum = 0;
        for (size_t tap = 0; tap < linear.taps; ++tap) {
          for (size_t i = 0; i < linear.ic_per_group; ++i) {
            sum += static_cast<double>(wei[linear.Index(o, tap, i)]) * lowered[linear.Channel(o, i)];
          }
        }
        return sum;
      });
    }
    if (node.norm) {
      auto moved = std::make_shared<BatchNormStatistics>(*node.norm);
      for (size_t c = 0; c < lowered.size(); ++c) moved->output_mean[c] -= static_cast<float>(lowered[c]);
      node.norm = std::move(moved);
    }
    ++report_.layers;
    report_.channels +=
        static_cast<int>(std::count_if(lowered.begin(), lowered.end(), [](double x) { return x > 0; }));
    report_.largest_share = std::max(report_.largest_share, 1 - after / before);
  }

  template <class Added>
  void SetBias(Node& node, const LinearView& linear, const Added& added) {
    std::vector<float> bia(linear.oc);
    std::string name = node.name + "/bias";
    if (linear.bia != kNoValue) {
      const auto old = Floats(graph_.values[linear.bia]);
      bia.assign(old.begin(), old.end());
      name = graph_.values[linear.bia].name;
    }
    for (size_t o = 0; o < linear.oc; ++o) bia[o] = static_cast<float>(bia[o] + added(o));
    node.inputs.resize(3, kNoValue);
    node.inputs[2] = AddValue(graph_, FloatConstant(std::move(name), {static_cast<int64_t>(linear.oc)}, bia));
  }

  Graph& graph_;
  const std::span<const std::vector<double>> floor_, ceiling_;
  const std::vector<std::vector<size_t>> readers_;
  AbsorptionReport report_;
};

}  // namespace

AbsorptionReport AbsorbHighBiases(Graph& graph, std::span<const std::vector<double>> floor,
                                  std::span<const std::vector<double>> ceiling) {
  return Absorber(graph, floor, ceiling).Run();
}

}  // namespace qrun::converter
