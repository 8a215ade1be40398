#include "converter/repair/equalize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <vector>

#include "converter/int8_plan.h"
#include "converter/quantize.h"
#include "converter/repair/channel_ties.h"
#include "converter/repair/linear_view.h"

namespace qrun::converter {
namespace {

constexpr double kSigmas = 3;
constexpr double kExponents[] = {1, 0.75, 0.5, 0.25, 0};

// Which tensors are scaled.
enum class MadeBy { kWeights, kChannelConstants };

// An activation's channels in numbers.
struct Activation {
  std::vector<double> low, high;  // what the channel reaches: low <= 0 <= high
  std::vector<double> mean_square;
  bool has_own_rounding = false;  // not the bytes of another tensor
};

class Equalizer {
 public:
  Equalizer(Graph& graph, std::span<const ChannelStatistics> channels, MadeBy scaled,
            bool per_channel_weights, int weight_bits)
      : graph_(graph),
        channels_(channels),
        scaled_(scaled),
        per_channel_weights_(per_channel_weights),
        ties_(graph) {
    const std::vector<int> levels = WeightLevels(graph, weight_bits);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (const auto affine = AsChannelConstant(graph, graph.nodes[i])) affines_.push_back(*affine);
      const auto linear = AsLinear(graph, graph.nodes[i]);
      if (!linear) continue;
      linears_.push_back(*linear);
      levels_.push_back(levels[i]);
    }
  }

  EqualizeReport Run() {
    MeasureActivations();
    MeasureSlots();
    GroupTensors();
    for (const auto& [root, members] : groups_) {
      if (GroupMadeBy(members) == scaled_) ScaleGroup(members);
    }
    return Apply();
  }

 private:
  bool Usable(ValueId id) const {
    return channels_[id].seen() && ties_.Channels(id) == channels_[id].channels();
  }

  void MeasureActivations() {
    activations_.resize(graph_.values.size());
    for (size_t id = 0; id < activations_.size(); ++id) {
      if (!Usable(static_cast<ValueId>(id))) continue;
      const ChannelStatistics& seen = channels_[id];
      Activation& activation = activations_[id];
      for (size_t c = 0; c < seen.channels(); ++c) {
        activation.low.push_back(std::min(0.0, static_cast<double>(seen.Min(c))));
        activation.high.push_back(std::max(0.0, static_cast<double>(seen.Max(c))));
        activation.mean_square.push_back(seen.MeanSquare(c));
      }
    }
    for (const LinearView& linear : linears_) WidenToSigmas(linear);
    for (const Node& node : graph_.nodes) {
      if (Int8FormOf(node) == Int8Form::kMovesBytes) continue;
      for (ValueId id : node.outputs) activations_[id].has_own_rounding = true;
    }
  }

  // The sum before the clamp, taken as normal with independent inputs.
  void WidenToSigmas(const LinearView& linear) {
    if (!Usable(linear.src) || !Usable(linear.dst)) return;
    const std::span<const float> wei = Floats(graph_.values[linear.wei]);
    for (size_t o = 0; o < linear.oc; ++o) {
      double mean = linear.bia == kNoValue ? 0 : Floats(graph_.values[linear.bia])[o], variance = 0;
      for (size_t tap = 0; tap < linear.taps; ++tap) {
        for (size_t i = 0; i < linear.ic_per_group; ++i) {
          const size_t c = linear.Channel(o, i);
          const double w = wei[linear.Index(o, tap, i)], m = channels_[linear.src].Mean(c);
          mean += w * m;
          variance += w * w * std::max(0.0, channels_[linear.src].MeanSquare(c) - m * m);
        }
      }
      const double reach = kSigmas * std::sqrt(variance);
      const double lo = linear.clamp.min(), hi = linear.clamp.max();
      double& low = activations_[linear.dst].low[o];
      double& high = activations_[linear.dst].high[o];
      low = std::min(low, std::clamp(mean - reach, std::min(lo, 0.0), 0.0));
      high = std::max(high, std::clamp(mean + reach, 0.0, std::max(hi, 0.0)));
    }
  }

  // Per slot: geometric mean of what its tensors reach, largest weight that reads it, and the bound of its
  // scale.
  void MeasureSlots() {
    const size_t count = ties_.slot_count();
    reach_.assign(count, 0);
    weight_.assign(count, 0);
    limit_.assign(count, std::numeric_limits<double>::infinity());
    scale_.assign(count, 1);
    movable_.assign(count, true);
    std::vector<int> tensors(count, 0);
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      for (size_t c = 0; c < ties_.Channels(static_cast<ValueId>(id)); ++c) {
        const size_t slot = ties_.Slot(static_cast<ValueId>(id), c);
        movable_[slot] = movable_[slot] && !ties_.Fixed(slot) && Usable(static_cast<ValueId>(id));
        if (!movable_[slot]) continue;
        const double reach = Reach(id, c);
        if (!(reach > 0 && std::isfinite(reach))) {
          movable_[slot] = false;
        } else {
          reach_[slot] += std::log(reach);
          ++tensors[slot];
        }
      }
    }
    for (size_t slot = 0; slot < count; ++slot) {
      if (tensors[slot] != 0) reach_[slot] = std::exp(reach_[slot] / tensors[slot]);
    }
    for (const Node& node : graph_.nodes) Bound(node);
    for (const LinearView& linear : linears_) {
      if (!linear.depthwise && Usable(linear.src)) MeasureWeights(linear);
    }
  }

  double Reach(size_t id, size_t c) const {
    return std::max(activations_[id].high[c], -activations_[id].low[c]);
  }

  void Bound(const Node& node) {
    const double cap = ClampOrUnbounded(node).max();
    if (cap >= std::numeric_limits<float>::max()) return;
    const ValueId dst = node.outputs[0];
    for (size_t c = 0; c < ties_.Channels(dst); ++c) {
      const size_t slot = ties_.Slot(dst, c);
      if (!movable_[slot]) continue;
      const double high = activations_[dst].high[c] * kCapRoom;
      if (high >= cap) {
        movable_[slot] = false;
      } else if (high > 0) {
        limit_[slot] = std::min(limit_[slot], cap / high);
      }
    }
  }

  // What the inputs make of a row's output, uncorrelated: the unit that its weights are measured in.
  double OutputPower(const LinearView& linear, std::span<const float> wei, size_t o) const {
    double power = 0;
    for (size_t tap = 0; tap < linear.taps; ++tap) {
      for (size_t i = 0; i < linear.ic_per_group; ++i) {
        const double w = wei[linear.Index(o, tap, i)];
        power += w * w * activations_[linear.src].mean_square[linear.Channel(o, i)];
      }
    }
    return power;
  }

  void MeasureWeights(const LinearView& linear) {
    const std::span<const float> wei = Floats(graph_.values[linear.wei]);
    for (size_t o = 0; o < linear.oc; ++o) {
      const double power = OutputPower(linear, wei, o);
      if (!(power > 0)) continue;
      for (size_t tap = 0; tap < linear.taps; ++tap) {
        for (size_t i = 0; i < linear.ic_per_group; ++i) {
          double& largest = weight_[ties_.Slot(linear.src, linear.Channel(o, i))];
          largest = std::max(largest,
                             std::abs(static_cast<double>(wei[linear.Index(o, tap, i)])) / std::sqrt(power));
        }
      }
    }
  }

  // Tensors that share a slot.
  void GroupTensors() {
    std::vector<size_t> parent(graph_.values.size());
    std::iota(parent.begin(), parent.end(), size_t{0});
    const auto find = [&](size_t id) {
      while (parent[id] != id) id = parent[id] = parent[parent[id]];
      return id;
    };
    std::vector<size_t> first(ties_.slot_count(), SIZE_MAX);
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      for (size_t c = 0; c < ties_.Channels(static_cast<ValueId>(id)); ++c) {
        size_t& owner = first[ties_.Slot(static_cast<ValueId>(id), c)];
        if (owner == SIZE_MAX) owner = id;
        parent[find(id)] = find(owner);
      }
    }
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      if (ties_.Channels(static_cast<ValueId>(id)) != 0)
        groups_[find(id)].push_back(static_cast<ValueId>(id));
    }
  }

  MadeBy GroupMadeBy(const std::vector<ValueId>& members) const {
    const bool constants = std::any_of(affines_.begin(), affines_.end(), [&](const ChannelConstant& affine) {
      return std::find(members.begin(), members.end(), affine.dst) != members.end();
    });
    return constants ? MadeBy::kChannelConstants : MadeBy::kWeights;
  }

  void ScaleGroup(const std::vector<ValueId>& members) {
    std::vector<size_t> slots;
    for (ValueId id : members) {
      for (size_t c = 0; c < ties_.Channels(id); ++c) {
        const size_t slot = ties_.Slot(id, c);
        if (movable_[slot]) slots.push_back(slot);
      }
    }
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    if (slots.empty()) return;
    double least = Noise(members);
    std::map<size_t, double> best;
    for (double exponent : kExponents) {
      SetScales(members, slots, exponent);
      const double noise = Noise(members);
      if (noise < least) {
        least = noise;
        for (size_t slot : slots) best[slot] = scale_[slot];
      }
    }
    for (size_t slot : slots) scale_[slot] = best.empty() ? 1 : best[slot];
  }

  void SetScales(const std::vector<ValueId>& members, const std::vector<size_t>& slots, double exponent) {
    for (size_t slot : slots) {
      scale_[slot] = std::pow(reach_[slot], -exponent);
      if (weight_[slot] > 0) scale_[slot] *= std::pow(weight_[slot], 1 - exponent);
    }
    // One factor for all, so that the widest scaled channel reaches as far as before, or as far as the
    // channels do whose scale stays.
    double now = 0, kept = 0, before = 0;
    for (size_t slot : slots) {
      now = std::max(now, reach_[slot] * scale_[slot]);
      before = std::max(before, reach_[slot]);
    }
    for (ValueId id : members) {
      for (size_t c = 0; c < ties_.Channels(id) && !activations_[id].low.empty(); ++c) {
        if (!movable_[ties_.Slot(id, c)]) kept = std::max(kept, Reach(static_cast<size_t>(id), c));
      }
    }
    const double factor = (kept > 0 ? kept : before) / now;
    for (size_t slot : slots) scale_[slot] = std::min(scale_[slot] * factor, limit_[slot]);
  }

  // Predicted noise over signal in the outputs of all readers of the group, a mean over rows each.
  double Noise(const std::vector<ValueId>& members) const {
    double rounding = 0;  // squared steps of the group's tensors
    for (ValueId id : members) {
      const Activation& activation = activations_[id];
      if (!activation.has_own_rounding || activation.low.empty()) continue;
      double low = 0, high = 0;
      for (size_t c = 0; c < activation.low.size(); ++c) {
        const double u = scale_[ties_.Slot(id, c)];
        low = std::min(low, u * activation.low[c]);
        high = std::max(high, u * activation.high[c]);
      }
      rounding += (high - low) * (high - low) / (255.0 * 255.0);
    }
    for (const ChannelConstant& affine : affines_) {
      if (std::find(members.begin(), members.end(), affine.dst) != members.end())
        rounding += ConstantNoise(affine);
    }
    double noise = 0;
    for (size_t i = 0; i < linears_.size(); ++i) {
      const ValueId src = linears_[i].src;
      if (std::find(members.begin(), members.end(), src) != members.end() && Usable(src)) {
        noise += ReaderNoise(linears_[i], levels_[i], rounding / 12);
      }
    }
    return noise;
  }

  // Squared steps of a scaled constant, which has one scale for all channels, in units of what it makes: of
  // the mean channel.
  double ConstantNoise(const ChannelConstant& affine) const {
    if (!Usable(affine.src)) return 0;
    const auto constant = Floats(graph_.values[affine.constant]);
    double low = 0, high = 0, power = 0;
    for (size_t c = 0; c < constant.size(); ++c) {
      const double u = ConstantScale(affine, c), from = scale_[ties_.Slot(affine.src, c)];
      low = std::min(low, u * constant[c]);
      high = std::max(high, u * constant[c]);
      power += affine.multiplies ? from * from * activations_[affine.src].mean_square[c] : 1;
    }
    return (high - low) * (high - low) / (255.0 * 255.0) * power / static_cast<double>(constant.size());
  }

  double ConstantScale(const ChannelConstant& affine, size_t c) const {
    const double of_dst = scale_[ties_.Slot(affine.dst, c)];
    return affine.multiplies ? of_dst / scale_[ties_.Slot(affine.src, c)] : of_dst;
  }

  double ReaderNoise(const LinearView& linear, int levels, double rounding_power) const {
    const std::span<const float> wei = Floats(graph_.values[linear.wei]);
    double largest_of_all = 0, sum = 0;
    std::vector<double> squares(linear.oc), inputs(linear.oc), largest(linear.oc), power(linear.oc);
    for (size_t o = 0; o < linear.oc; ++o) {
      power[o] = OutputPower(linear, wei, o);
      for (size_t tap = 0; tap < linear.taps; ++tap) {
        for (size_t i = 0; i < linear.ic_per_group; ++i) {
          const size_t c = linear.Channel(o, i);
          const double u = scale_[ties_.Slot(linear.src, c)];
          const double w = std::abs(static_cast<double>(wei[linear.Index(o, tap, i)])) / u;
          squares[o] += w * w;
          inputs[o] += u * u * activations_[linear.src].mean_square[c];
          largest[o] = std::max(largest[o], w);
        }
      }
      largest_of_all = std::max(largest_of_all, largest[o]);
    }
    size_t rows = 0;
    for (size_t o = 0; o < linear.oc; ++o) {
      if (!(power[o] > 0)) continue;
      const double step = (per_channel_weights_ ? largest[o] : largest_of_all) / levels;
      sum += (squares[o] * rounding_power + inputs[o] * step * step / 12) / power[o];
      ++rows;
    }
    return rows == 0 ? 0 : sum / static_cast<double>(rows);
  }

  EqualizeReport Apply() {
    EqualizeReport report;
    std::vector<bool> counted(ties_.slot_count(), false);
    report.scales.resize(graph_.values.size());
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      bool changed = false;
      for (size_t c = 0; c < ties_.Channels(static_cast<ValueId>(id)); ++c) {
        const size_t slot = ties_.Slot(static_cast<ValueId>(id), c);
        if (scale_[slot] == 1) continue;
        changed = true;
        report.largest_factor = std::max({report.largest_factor, scale_[slot], 1 / scale_[slot]});
        report.channels += !counted[slot];
        counted[slot] = true;
      }
      report.tensors += changed;
      for (size_t c = 0; changed && c < ties_.Channels(static_cast<ValueId>(id)); ++c) {
        report.scales[id].push_back(scale_[ties_.Slot(static_cast<ValueId>(id), c)]);
      }
    }
    if (report.channels == 0) return report;
    for (Node& node : graph_.nodes) {
      if (const auto affine = AsChannelConstant(graph_, node)) {
        const auto plain = Floats(graph_.values[affine->constant]);
        std::vector<float> scaled(plain.begin(), plain.end());
        for (size_t c = 0; c < scaled.size(); ++c)
          scaled[c] = static_cast<float>(scaled[c] * ConstantScale(*affine, c));
        node.inputs[1] = Replace(affine->constant, scaled);
      }
      const auto linear = AsLinear(graph_, node);
      if (!linear) continue;
      const auto of = [&](ValueId id, size_t c) {
        return ties_.Channels(id) ? scale_[ties_.Slot(id, c)] : 1.0;
      };
      const std::span<const float> source = Floats(graph_.values[linear->wei]);
      std::vector<float> wei(source.begin(), source.end());
      for (size_t o = 0; o < linear->oc; ++o) {
        for (size_t tap = 0; tap < linear->taps; ++tap) {
          for (size_t i = 0; i < linear->ic_per_group; ++i) {
            float& w = wei[linear->Index(o, tap, i)];
            w = static_cast<float>(w * of(linear->dst, o) / of(linear->src, linear->Channel(o, i)));
          }
        }
      }
      node.inputs[1] = Replace(linear->wei, wei);
      if (node.norm) {
        auto scaled = std::make_shared<BatchNormStatistics>(*node.norm);
        for (size_t o = 0; o < linear->oc; ++o) {
          scaled->output_mean[o] *= static_cast<float>(of(linear->dst, o));
          scaled->output_std[o] *= static_cast<float>(of(linear->dst, o));
        }
        node.norm = std::move(scaled);
      }
      if (linear->bia == kNoValue) continue;
      const std::span<const float> plain = Floats(graph_.values[linear->bia]);
      std::vector<float> bia(plain.begin(), plain.end());
      for (size_t o = 0; o < linear->oc; ++o) bia[o] = static_cast<float>(bia[o] * of(linear->dst, o));
      node.inputs[2] = Replace(linear->bia, bia);
    }
    return report;
  }

  // A constant of its own for this node: others may share the old one.
  ValueId Replace(ValueId id, const std::vector<float>& elements) {
    const Value& old = graph_.values[id];
    return AddValue(graph_, FloatConstant(old.name, old.shape, elements));
  }

  Graph& graph_;
  const std::span<const ChannelStatistics> channels_;
  const MadeBy scaled_;
  const bool per_channel_weights_;
  const ChannelTies ties_;
  std::vector<LinearView> linears_;
  std::vector<ChannelConstant> affines_;
  std::vector<int> levels_;                             // of the weights, per linears_
  std::vector<Activation> activations_;                 // per value; empty where nothing was seen
  std::vector<double> reach_, weight_, limit_, scale_;  // per slot
  std::vector<bool> movable_;                           // per slot
  std::map<size_t, std::vector<ValueId>> groups_;
};

}  // namespace

std::string ScaledText(const EqualizeReport& report) {
  return fmt::format("{} channels of {} tensors, by up to {:.3g}", report.channels, report.tensors,
                     report.largest_factor);
}

void AddScales(const EqualizeReport& report, std::vector<std::vector<double>>& scales) {
  scales.resize(report.scales.size());
  for (size_t id = 0; id < scales.size(); ++id) {
    if (!report.scales[id].empty()) scales[id] = report.scales[id];
  }
}

EqualizeReport EqualizeChannels(Graph& graph, std::span<const ChannelStatistics> channels,
                                bool per_channel_weights, int weight_bits) {
  return Equalizer(graph, channels, MadeBy::kWeights, per_channel_weights, weight_bits).Run();
}

EqualizeReport SmoothChannels(Graph& graph, std::span<const ChannelStatistics> channels,
                              bool per_channel_weights, int weight_bits) {
  return Equalizer(graph, channels, MadeBy::kChannelConstants, per_channel_weights, weight_bits).Run();
}

}  // namespace qrun::converter
