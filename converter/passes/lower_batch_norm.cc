#include "converter/passes/batch_norm_affine.h"
#include "converter/passes/pass_functions.h"

namespace qrun::converter {

Result<int> LowerBatchNorm(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    if (!rewriter.As<BatchNorm>(i)) continue;
    const ChannelAffine affine = BatchNormAffine(rewriter, i);
    const int64_t channels = static_cast<int64_t>(affine.scale.size());
    const ValueId src = rewriter.node(i).inputs[0], out = rewriter.node(i).outputs[0];
    const Shape shape = rewriter.value(src).shape;
    const std::string name = rewriter.node(i).name;
    const auto constant = [&](const char* suffix, Shape constant_shape, const std::vector<float>& elements) {
      return rewriter.AddConstant(FloatConstant(name + suffix, std::move(constant_shape), elements));
    };
    ++count;
    if (shape.size() == 4) {
      fb::Conv2DT conv;
      conv.groups = static_cast<int>(channels);
      rewriter.node(i).norm = StatisticsOf(rewriter, i);
      rewriter.SetInputs(i, {src, constant(".scale", {channels, 1, 1, 1}, affine.scale),
                             constant(".shift", {channels}, affine.shift)});
      rewriter.node(i).options = std::move(conv);
      continue;
    }
    Shape broadcast(shape.size(), 1);
    broadcast[1] = channels;
    Value scaled;
    scaled.name = name + ".scaled";
    scaled.shape = shape;
    const ValueId middle = rewriter.AddConstant(std::move(scaled));
    fb::BinaryT op;
    op.kind = fb::BinaryKind::Add;
    Node add{
        name, rewriter.node(i).source_op, op, {middle, constant(".shift", broadcast, affine.shift)}, {out}};
    op.kind = fb::BinaryKind::Mul;
    rewriter.SetInputs(i, {src, constant(".scale", broadcast, affine.scale)});
    rewriter.node(i).options = std::move(op);
    rewriter.node(i).outputs = {middle};
    rewriter.InsertAfter(i, std::move(add));
  }
  return count;
}

}  // namespace qrun::converter
