#include "converter/passes/channel_affine.h"
#include "converter/passes/pass_functions.h"

namespace qrun::converter {
namespace {

// One float per channel from a constant that is one number, or varies along the channel axis only; empty
// otherwise.
std::vector<float> PerChannel(const Value& constant, size_t channel_axis, int64_t channels) {
  if (!constant.is_constant() || constant.type != ElementType::kFloat32) return {};
  if (IsScalar(constant)) return std::vector<float>(channels, Floats(constant)[0]);
  if (constant.shape[channel_axis] != channels || ElementCount(constant.shape) != channels) return {};
  return {Floats(constant).begin(), Floats(constant).end()};
}

}  // namespace

Result<int> FoldScaleAndShift(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    const auto* op = rewriter.As<fb::BinaryT>(i);
    if (!op || (op->kind != fb::BinaryKind::Mul && op->kind != fb::BinaryKind::Add)) continue;
    const int producer = rewriter.OwnProducer(i, 0);
    const int64_t channels = FoldableChannels(rewriter, producer);
    if (channels == 0) continue;
    const Value& constant = rewriter.value(rewriter.node(i).inputs[1]);
    const size_t channel_axis = rewriter.As<fb::Conv2DT>(producer) ? 1 : constant.shape.size() - 1;
    const std::vector<float> elements = PerChannel(constant, channel_axis, channels);
    if (elements.empty()) continue;
    ChannelAffine affine{std::vector<float>(channels, 1.0f), std::vector<float>(channels, 0.0f)};
    (op->kind == fb::BinaryKind::Mul ? affine.scale : affine.shift) = elements;
    FoldAffine(rewriter, producer, affine);
    if (op->clamp) {
      std::unique_ptr<fb::Clamp>* clamp = ClampOf(rewriter.node(producer).options);
      *clamp = std::make_unique<fb::Clamp>(*op->clamp);
    }
    rewriter.Absorb(producer, i);
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
