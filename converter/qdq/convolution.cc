// Conv and ConvTranspose.
#include <algorithm>

#include "converter/qdq/operators.h"

namespace qrun::converter {
namespace {

using Bytes = std::vector<std::byte>;

std::vector<std::string> Inputs(const Node& node, const std::string& weights, QdqGraph& graph) {
  std::vector<std::string> inputs = {graph.Tensor(node.inputs[0]), weights};
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) {
    inputs.push_back(graph.Bias(node.inputs[2], node.inputs[0], node.inputs[1]));
  }
  return inputs;
}

// One axis of a transposed convolution: what cuts its full output [0, (in - 1) * stride + reach).
struct TransposedAxis {
  int64_t before, after, output_padding;
};

// From the padding of the convolution over the input with zeros between its pixels. Errors: unsupported.
Result<TransposedAxis> CutAxis(int kernel, int dilation, int stride, int pad_before, int pad_after) {
  const int64_t reach = int64_t{kernel - 1} * dilation + 1;
  TransposedAxis axis = {reach - 1 - pad_before, reach - 1 - pad_after, 0};
  if (axis.after < 0) {
    axis.output_padding = -axis.after;
    axis.after = 0;
  }
  if (axis.before < 0 || axis.output_padding >= std::max(stride, dilation)) {
    return Status::Unsupported("a transposed convolution with more padding than ONNX can state");
  }
  return axis;
}

// [G*OC', KH, KW, IC'] to [G*IC', OC', KH, KW], or with `output_first` to [G*OC', IC', KH, KW]; rows and
// columns reversed.
Bytes TurnedWeights(const Value& wei, int64_t groups, bool output_first) {
  const Shape& s = wei.shape;
  const size_t bytes_each = ElementBytes(wei.type);
  const Shape split = {groups, s[0] / groups, s[1] * s[2], s[3]};
  Bytes dst = PermutedBytes(*wei.data, split,
                            output_first ? std::vector{0, 1, 3, 2} : std::vector{0, 3, 1, 2}, bytes_each);
  const auto pixels = static_cast<size_t>(s[1] * s[2]);
  for (size_t plane = 0; plane < dst.size(); plane += pixels * bytes_each) {
    for (size_t i = 0, j = pixels - 1; i < j; ++i, --j) {
      std::swap_ranges(&dst[plane + i * bytes_each], &dst[plane + i * bytes_each] + bytes_each,
                       &dst[plane + j * bytes_each]);
    }
  }
  return dst;
}

// The float weights [IC, OC/groups, KH, KW] of a transposed convolution.
std::string TransposedWeights(const Node& node, int64_t groups, QdqGraph& graph) {
  const Value& wei = graph.value(node.inputs[1]);
  const int64_t oc = wei.shape[0] / groups, ic = wei.shape[3], kh = wei.shape[1], kw = wei.shape[2];
  const bool int8 = wei.type == ElementType::kInt8;
  if (groups == 1 || !int8) {
    return graph.Weights(node.inputs[1], {groups * ic, oc, kh, kw}, TurnedWeights(wei, groups, false), 1);
  }
  // No axis of ONNX's form has all output channels: scale them first, then change their order.
  OnnxWriter& writer = graph.writer();
  std::string tensor =
      graph.Weights(node.inputs[1], {groups * oc, ic, kh, kw}, TurnedWeights(wei, groups, true), 0);
  const auto reshape = [&](const char* suffix, const std::vector<int64_t>& shape) {
    tensor = writer.Node("Reshape", node.name + suffix, {tensor, writer.Ints(node.name + suffix, shape)},
                         writer.Name(wei.name + suffix));
  };
  reshape("/split", {groups, oc, ic, kh, kw});
  tensor = writer.Node("Transpose", node.name + "/turn", {tensor}, writer.Name(wei.name + "/turn"),
                       {{"perm", {0, 2, 1, 3, 4}}});
  reshape("/join", {groups * ic, oc, kh, kw});
  return tensor;
}

Status EmitTransposed(const Node& node, const fb::Conv2DT& op, QdqGraph& graph) {
  const Shape& wei = graph.value(node.inputs[1]).shape;
  if (op.stride_h != 1 || op.stride_w != 1) {
    return Status::Unsupported("a transposed convolution that also has a stride");
  }
  QRUN_ASSIGN_OR_RETURN(const TransposedAxis h, CutAxis(static_cast<int>(wei[1]), op.dilation_h,
                                                        op.input_dilation_h, op.pad_top, op.pad_bottom));
  QRUN_ASSIGN_OR_RETURN(const TransposedAxis w, CutAxis(static_cast<int>(wei[2]), op.dilation_w,
                                                        op.input_dilation_w, op.pad_left, op.pad_right));
  const ValueId out = node.outputs[0];
  const std::string dst = graph.Begin(out, op.clamp.get());
  graph.writer().Node("ConvTranspose", node.name,
                      Inputs(node, TransposedWeights(node, op.groups, graph), graph), dst,
                      {{"kernel_shape", {wei[1], wei[2]}},
                       {"strides", {op.input_dilation_h, op.input_dilation_w}},
                       {"dilations", {op.dilation_h, op.dilation_w}},
                       {"pads", {h.before, w.before, h.after, w.after}},
                       {"output_padding", {h.output_padding, w.output_padding}},
                       {"group", op.groups}});
  graph.End(out, op.clamp.get(), dst);
  return Status::Ok();
}

template <class Options>
void EmitConv(const Node& node, const Options& op, int groups, const std::string& weights, int64_t kh,
              int64_t kw, QdqGraph& graph) {
  const ValueId out = node.outputs[0];
  const std::string dst = graph.Begin(out, op.clamp.get());
  graph.writer().Node("Conv", node.name, Inputs(node, weights, graph), dst,
                      {{"kernel_shape", {kh, kw}},
                       {"strides", {op.stride_h, op.stride_w}},
                       {"dilations", {op.dilation_h, op.dilation_w}},
                       {"pads", {op.pad_top, op.pad_left, op.pad_bottom, op.pad_right}},
                       {"group", groups}});
  graph.End(out, op.clamp.get(), dst);
}

}  // namespace

Status EmitConvolution(const Node& node, const fb::Conv2DT& op, QdqGraph& graph) {
  const bool crops = std::min({op.pad_top, op.pad_left, op.pad_bottom, op.pad_right}) < 0;
  if (crops || op.input_dilation_h != 1 || op.input_dilation_w != 1) return EmitTransposed(node, op, graph);
  const Value& wei = graph.value(node.inputs[1]);
  const Shape& s = wei.shape;
  const Bytes oihw = PermutedBytes(*wei.data, s, {0, 3, 1, 2}, ElementBytes(wei.type));
  EmitConv(node, op, op.groups, graph.Weights(node.inputs[1], {s[0], s[3], s[1], s[2]}, oihw, 0), s[1], s[2],
           graph);
  return Status::Ok();
}

Status EmitDepthwise(const Node& node, const fb::DepthwiseConv2DT& op, QdqGraph& graph) {
  const Value& wei = graph.value(node.inputs[1]);
  const Shape& s = wei.shape;
  const Bytes chw = PermutedBytes(*wei.data, s, {2, 0, 1}, ElementBytes(wei.type));
  EmitConv(node, op, static_cast<int>(s[2]), graph.Weights(node.inputs[1], {s[2], 1, s[0], s[1]}, chw, 0),
           s[0], s[1], graph);
  return Status::Ok();
}

}  // namespace qrun::converter
