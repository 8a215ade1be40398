#include "converter/repair/moments.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "converter/int8_plan.h"
#include "converter/repair/linear_view.h"
#include "converter/unary_function.h"

namespace qrun::converter {
namespace {

double Density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
double Cumulative(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

// mean +- kDataFreeSigmas deviations, within [lo, hi].
void Bound(const Moments& m, double lo, double hi, double& low, double& high) {
  const double reach = kDataFreeSigmas * std::sqrt(m.variance);
  low = std::clamp(m.mean - reach, lo, hi);
  high = std::clamp(m.mean + reach, lo, hi);
}

class Estimator {
 public:
  Estimator(const Graph& graph, const std::vector<ChannelMoments>& inputs) : graph_(graph) {
    result_.values.resize(graph.values.size());
    for (size_t i = 0; i < graph.inputs.size(); ++i) result_.values[graph.inputs[i]] = inputs[i];
  }

  MomentEstimates Run() {
    for (const Node& node : graph_.nodes) result_.values[node.outputs[0]] = Of(node);
    return std::move(result_);
  }

 private:
  const ChannelMoments& At(ValueId id) const { return result_.values[id]; }
  size_t Channels(ValueId id) const { return static_cast<size_t>(graph_.values[id].shape.back()); }

  ChannelMoments Of(const Node& node) {
    if (const auto linear = AsLinear(graph_, node)) return OfLinear(node, *linear);
    if (const auto* binary = std::get_if<fb::BinaryT>(&node.options)) return OfBinary(node, *binary);
    if (const auto* unary = std::get_if<fb::UnaryT>(&node.options)) return OfUnary(node, *unary);
    if (const auto* pool = std::get_if<fb::Pool2DT>(&node.options)) return OfPool(node, *pool);
    if (const auto* concat = std::get_if<fb::ConcatT>(&node.options)) return OfConcat(node, *concat);
    if (Int8FormOf(node) == Int8Form::kMovesBytes) return Moved(node);
    return {};
  }

  ChannelMoments OfLinear(const Node& node, const LinearView& linear) {
    const BatchNormStatistics* norm = node.norm.get();
    const ChannelMoments& src = At(linear.src);
    if (norm == nullptr && !src.known()) return {};
    ++(norm != nullptr ? result_.from_norm : result_.propagated);
    ChannelMoments dst;
    for (size_t o = 0; o < linear.oc; ++o) {
      Moments sum = norm != nullptr ? Moments{norm->output_mean[o],
                                              static_cast<double>(norm->output_std[o]) * norm->output_std[o]}
                                    : Sum(linear, src, o);
      double low = 0, high = 0;
      const double lo = linear.clamp.min(), hi = linear.clamp.max();
      Bound(sum, lo, hi, low, high);
      sum = ClippedNormal(sum, lo, hi);
      Append(dst, sum, low, high);
    }
    return dst;
  }

  Moments Sum(const LinearView& linear, const ChannelMoments& src, size_t o) const {
    const auto wei = Floats(graph_.values[linear.wei]);
    Moments sum{linear.bia == kNoValue ? 0 : Floats(graph_.values[linear.bia])[o], 0};
    for (size_t i = 0; i < linear.ic_per_group; ++i) {
      const size_t c = linear.Channel(o, i);
      double weights = 0, squares = 0;
      for (size_t tap = 0; tap < linear.taps; ++tap) {
        const double w = wei[linear.Index(o, tap, i)];
        weights += w;
        squares += w * w;
      }
      sum.mean += weights * src.mean[c];
      sum.variance += std::max(squares, weights * weights) * src.variance[c];
    }
    return sum;
  }

  static void Append(ChannelMoments& list, const Moments& m, double low, double high) {
    list.mean.push_back(m.mean);
    list.variance.push_back(m.variance);
    list.low.push_back(low);
    list.high.push_back(high);
  }

  // An operand of a Binary as `channels` channels; a constant's elements are its moments.
  ChannelMoments Operand(ValueId id, size_t channels) const {
    const Value& value = graph_.values[id];
    if (!value.is_constant()) return At(id).channels() == channels ? At(id) : ChannelMoments{};
    const auto elements = Floats(value);
    const size_t own = value.shape.empty() ? 1 : Channels(id);
    if (own != channels && elements.size() != 1) return {};
    ChannelMoments result;
    for (size_t c = 0; c < channels; ++c) {
      double sum = 0, low = elements[c % own], high = low;
      size_t count = 0;
      for (size_t i = c % own; i < elements.size(); i += own, ++count) {
        sum += elements[i];
        low = std::min<double>(low, elements[i]);
        high = std::max<double>(high, elements[i]);
      }
      Append(result, {sum / static_cast<double>(count), 0}, low, high);
    }
    return result;
  }

  ChannelMoments OfBinary(const Node& node, const fb::BinaryT& binary) const {
    const size_t channels = Channels(node.outputs[0]);
    const ChannelMoments a = Operand(node.inputs[0], channels), b = Operand(node.inputs[1], channels);
    if (!a.known() || !b.known()) return {};
    const fb::Clamp clamp = ClampOrUnbounded(node);
    ChannelMoments dst;
    for (size_t c = 0; c < channels; ++c) {
      Moments m;
      double least = 0, most = 0;  // of the result, from the operands' bounds
      if (binary.kind == fb::BinaryKind::Mul) {
        m = {a.mean[c] * b.mean[c], a.variance[c] * b.variance[c] + a.variance[c] * b.mean[c] * b.mean[c] +
                                        b.variance[c] * a.mean[c] * a.mean[c]};
        const double corners[] = {a.low[c] * b.low[c], a.low[c] * b.high[c], a.high[c] * b.low[c],
                                  a.high[c] * b.high[c]};
        least = *std::min_element(corners, corners + 4);
        most = *std::max_element(corners, corners + 4);
      } else if (binary.kind == fb::BinaryKind::Add || binary.kind == fb::BinaryKind::Sub) {
        const bool add = binary.kind == fb::BinaryKind::Add;
        m = {a.mean[c] + (add ? b.mean[c] : -b.mean[c]), a.variance[c] + b.variance[c]};
        least = a.low[c] + (add ? b.low[c] : -b.high[c]);
        most = a.high[c] + (add ? b.high[c] : -b.low[c]);
      } else {
        return {};
      }
      const double lo = std::max<double>(clamp.min(), std::min<double>(least, clamp.max()));
      const double hi = std::min<double>(clamp.max(), std::max<double>(most, clamp.min()));
      double low = 0, high = 0;
      Bound(m, lo, hi, low, high);
      Append(dst, ClippedNormal(m, clamp.min(), clamp.max()), low, high);
    }
    return dst;
  }

  // Over the normal distribution within the bounds, in even steps.
  ChannelMoments OfUnary(const Node& node, const fb::UnaryT& function) const {
    constexpr int kPoints = 65;
    const ChannelMoments& src = At(node.inputs[0]);
    ChannelMoments dst;
    for (size_t c = 0; c < src.channels(); ++c) {
      const double deviation = std::sqrt(src.variance[c]);
      double weight = 0, sum = 0, squares = 0, low = INFINITY, high = -INFINITY;
      for (int i = 0; i < kPoints; ++i) {
        const double x = src.low[c] + (src.high[c] - src.low[c]) * i / (kPoints - 1);
        const double y = UnaryFunction(function, x);
        const double w = deviation > 0 ? Density((x - src.mean[c]) / deviation) : 1;
        weight += w;
        sum += w * y;
        squares += w * y * y;
        low = std::min(low, y);
        high = std::max(high, y);
      }
      const double mean = weight > 0 ? sum / weight : (low + high) / 2;
      const double square = weight > 0 ? squares / weight : mean * mean;
      Append(dst, {mean, std::max(0.0, square - mean * mean)}, low, high);
    }
    return dst;
  }

  ChannelMoments OfPool(const Node& node, const fb::Pool2DT& pool) const {
    ChannelMoments dst = At(node.inputs[0]);
    if (pool.kind == fb::PoolKind::Max) {
      for (size_t c = 0; c < dst.channels(); ++c) {
        dst.mean[c] = std::min(dst.high[c], dst.mean[c] + std::sqrt(dst.variance[c]));
      }
      return dst;
    }
    const double positions = static_cast<double>(pool.kernel_h) * pool.kernel_w;
    for (size_t c = 0; c < dst.channels(); ++c) {
      dst.variance[c] /= std::sqrt(std::max(1.0, positions));
      Bound({dst.mean[c], dst.variance[c]}, dst.low[c], dst.high[c], dst.low[c], dst.high[c]);
    }
    return dst;
  }

  ChannelMoments OfConcat(const Node& node, const fb::ConcatT& concat) const {
    const bool along_channels =
        concat.axis == static_cast<int>(graph_.values[node.outputs[0]].shape.size()) - 1;
    ChannelMoments dst;
    for (ValueId id : node.inputs) {
      const ChannelMoments part = Operand(id, Channels(id));
      if (!part.known()) return {};
      if (along_channels || !dst.known()) {
        for (size_t c = 0; c < part.channels(); ++c) {
          Append(dst, {part.mean[c], part.variance[c]}, part.low[c], part.high[c]);
        }
        continue;
      }
      for (size_t c = 0; c < part.channels(); ++c) {
        dst.mean[c] = (dst.mean[c] + part.mean[c]) / 2;
        dst.variance[c] = std::max(dst.variance[c], part.variance[c]);
        dst.low[c] = std::min(dst.low[c], part.low[c]);
        dst.high[c] = std::max(dst.high[c], part.high[c]);
      }
    }
    return dst;
  }

  // The same values in another place: channels stay what they are, or repeat, or no longer can be told apart.
  ChannelMoments Moved(const Node& node) const {
    const ChannelMoments& src = At(node.inputs[0]);
    if (!src.known()) return {};
    const size_t channels = Channels(node.outputs[0]);
    const auto* slice = std::get_if<fb::SliceT>(&node.options);
    const auto* transpose = std::get_if<fb::TransposeT>(&node.options);
    const bool turned = transpose && transpose->perm.back() != static_cast<int>(transpose->perm.size()) - 1;
    ChannelMoments dst;
    if (turned || (!slice && channels % src.channels() != 0)) {
      Moments all;
      for (size_t c = 0; c < src.channels(); ++c) {
        all.mean += src.mean[c] / static_cast<double>(src.channels());
        all.variance = std::max(all.variance, src.variance[c]);
      }
      const double low = *std::min_element(src.low.begin(), src.low.end());
      const double high = *std::max_element(src.high.begin(), src.high.end());
      for (size_t c = 0; c < channels; ++c) Append(dst, all, low, high);
      return dst;
    }
    for (size_t c = 0; c < channels; ++c) {
      const size_t from =
          slice ? static_cast<size_t>(slice->begin.back()) + c * static_cast<size_t>(slice->stride.back())
                : c % src.channels();
      Append(dst, {src.mean[from], src.variance[from]}, src.low[from], src.high[from]);
    }
    return dst;
  }

  const Graph& graph_;
  MomentEstimates result_;
};

}  // namespace

Moments ClippedNormal(Moments normal, double lo, double hi) {
  const double deviation = std::sqrt(normal.variance);
  if (!(deviation > 0)) return {std::clamp(normal.mean, lo, hi), 0};
  const double a = (lo - normal.mean) / deviation, b = (hi - normal.mean) / deviation;
  const double inside = Cumulative(b) - Cumulative(a);
  double mean = normal.mean * inside + deviation * (Density(a) - Density(b));
  double square = (normal.mean * normal.mean + normal.variance) * inside;
  if (std::isfinite(lo)) {
    mean += lo * Cumulative(a);
    square += lo * lo * Cumulative(a) + deviation * (normal.mean + lo) * Density(a);
  }
  if (std::isfinite(hi)) {
    mean += hi * Cumulative(-b);
    square += hi * hi * Cumulative(-b) - deviation * (normal.mean + hi) * Density(b);
  }
  return {mean, std::max(0.0, square - mean * mean)};
}

MomentEstimates EstimateMoments(const Graph& graph, const std::vector<ChannelMoments>& inputs) {
  return Estimator(graph, inputs).Run();
}

}  // namespace qrun::converter
