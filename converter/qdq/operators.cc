#include "converter/qdq/operators.h"

#include <algorithm>

namespace qrun::converter {
namespace {

using Attributes = std::vector<OnnxAttribute>;

// Values of the stored axes, in ONNX's order.
template <class T>
std::vector<int64_t> InOnnxOrder(const std::vector<T>& of_axis) {
  std::vector<int64_t> ordered;
  for (int axis : OnnxAxes(of_axis.size())) ordered.push_back(of_axis[axis]);
  return ordered;
}

// ONNX's number of a stored axis.
int64_t OnnxAxis(size_t rank, int stored) {
  const std::vector<int> axes = OnnxAxes(rank);
  return std::find(axes.begin(), axes.end(), stored) - axes.begin();
}

class NodeEmitter {
 public:
  NodeEmitter(const Node& node, const Graph& source, QdqGraph& graph)
      : node_(node), source_(source), graph_(graph) {}

  Status Emit(const fb::Conv2DT& op) { return EmitConvolution(node_, op, graph_); }
  Status Emit(const fb::DepthwiseConv2DT& op) { return EmitDepthwise(node_, op, graph_); }

  Status Emit(const fb::FullyConnectedT& op) {
    const Value& wei = graph_.value(node_.inputs[1]);
    const int64_t oc = wei.shape[0], ic = wei.shape[1];
    const bool has_bias = node_.inputs.size() > 2 && node_.inputs[2] != kNoValue;
    const auto bias = [&] { return graph_.Bias(node_.inputs[2], node_.inputs[0], node_.inputs[1]); };
    const Shape& src = graph_.value(node_.inputs[0]).shape;
    const std::string dst = graph_.Begin(node_.outputs[0], op.clamp.get());
    if (src.size() == 2) {
      std::vector<std::string> inputs = {graph_.Tensor(node_.inputs[0]),
                                         graph_.Weights(node_.inputs[1], {oc, ic}, *wei.data, 0)};
      if (has_bias) inputs.push_back(bias());
      Add("Gemm", inputs, dst, {{"transB", 1}});
    } else {
      const auto transposed = PermutedBytes(*wei.data, wei.shape, {1, 0}, ElementBytes(wei.type));
      const std::string weights = graph_.Weights(node_.inputs[1], {ic, oc}, transposed, 1);
      const bool image = src.size() == 4;
      std::string tensor = graph_.StoredTensor(node_.inputs[0]);
      tensor = Add("MatMul", {tensor, weights}, has_bias || image ? Inner("/product") : dst);
      if (has_bias) tensor = Add("Add", {tensor, bias()}, image ? Inner("/sum") : dst);
      if (image) ToNchw(tensor, dst);
    }
    graph_.End(node_.outputs[0], op.clamp.get(), dst);
    return Status::Ok();
  }

  Status Emit(const fb::BinaryT& op) { return Simple(fb::EnumNameBinaryKind(op.kind), op.clamp.get()); }

  Status Emit(const fb::Pool2DT& op) {
    const Shape& src = graph_.value(node_.inputs[0]).shape;
    const bool average = op.kind == fb::PoolKind::Average;
    const bool padded = op.pad_top || op.pad_left || op.pad_bottom || op.pad_right;
    if (!padded && op.kernel_h == src[1] && op.kernel_w == src[2]) {
      return Simple(average ? "GlobalAveragePool" : "GlobalMaxPool", op.clamp.get());
    }
    Attributes attributes = {{"kernel_shape", {op.kernel_h, op.kernel_w}},
                             {"strides", {op.stride_h, op.stride_w}},
                             {"pads", {op.pad_top, op.pad_left, op.pad_bottom, op.pad_right}}};
    if (average) attributes.emplace_back("count_include_pad", op.count_include_pad ? 1 : 0);
    return Simple(average ? "AveragePool" : "MaxPool", op.clamp.get(), attributes);
  }

  Status Emit(const fb::UnaryT& op) { return Function(op); }

  Status Emit(const fb::LookupTableT&) {
    for (const Node& made : source_.nodes) {
      const auto* function = std::get_if<fb::UnaryT>(&made.options);
      if (function && made.outputs == node_.outputs) return Function(*function);
    }
    return Status::Unsupported("a table of which it is not known what function it holds");
  }

  Status Emit(const fb::SoftmaxT&) {
    const size_t rank = graph_.value(node_.inputs[0]).shape.size();
    return Simple("Softmax", nullptr, {{"axis", OnnxAxis(rank, static_cast<int>(rank) - 1)}});
  }

  Status Emit(const fb::ConcatT& op) {
    const size_t rank = graph_.value(node_.outputs[0]).shape.size();
    return Simple("Concat", nullptr, {{"axis", OnnxAxis(rank, op.axis)}});
  }

  Status Emit(const fb::SliceT& op) {
    const std::vector<int64_t> begin = InOnnxOrder(op.begin), stride = InOnnxOrder(op.stride);
    const Shape src = OnnxShape(graph_.value(node_.inputs[0]).shape);
    const Shape dst = OnnxShape(graph_.value(node_.outputs[0]).shape);
    std::vector<int64_t> starts, ends, axes, steps;
    for (size_t i = 0; i < src.size(); ++i) {
      if (src[i] == dst[i] && stride[i] == 1) continue;
      starts.push_back(begin[i]);
      ends.push_back(begin[i] + (dst[i] - 1) * stride[i] + 1);
      axes.push_back(static_cast<int64_t>(i));
      steps.push_back(stride[i]);
    }
    return Simple("Slice", nullptr, {},
                  {Ints("/starts", starts), Ints("/ends", ends), Ints("/axes", axes), Ints("/steps", steps)});
  }

  Status Emit(const fb::PadT& op) {
    std::vector<int64_t> pads = InOnnxOrder(op.before);
    for (int64_t after : InOnnxOrder(op.after)) pads.push_back(after);
    const std::string value = graph_.writer().Floats(node_.name + "/value", {}, std::span(&op.value, 1));
    return Simple("Pad", nullptr, {}, {Ints("/pads", pads), value});
  }

  // The bytes stay, in the stored order of axes.
  Status Emit(const fb::ReshapeT&) {
    const Shape& from = graph_.value(node_.inputs[0]).shape;
    const Shape& to = graph_.value(node_.outputs[0]).shape;
    const std::string src =
        IsOnePixel(from) ? graph_.Tensor(node_.inputs[0]) : graph_.StoredTensor(node_.inputs[0]);
    const std::string dst = graph_.Begin(node_.outputs[0], nullptr);
    if (to.size() != 4 || IsOnePixel(to)) {
      Add("Reshape", {src, Ints("/shape", OnnxShape(to))}, dst);
    } else {
      ToNchw(Add("Reshape", {src, Ints("/shape", to)}, Inner("/nhwc")), dst);
    }
    graph_.End(node_.outputs[0], nullptr, dst);
    return Status::Ok();
  }

  Status Emit(const fb::TransposeT& op) {
    std::vector<int64_t> perm;
    for (int axis : OnnxAxes(op.perm.size())) perm.push_back(OnnxAxis(op.perm.size(), op.perm[axis]));
    return Simple("Transpose", nullptr, {{"perm", perm}});
  }

  Status Emit(const fb::Resize2DT& op) {
    const bool asymmetric = op.coordinates == fb::ResizeCoordinates::Asymmetric;
    const char* coordinates = asymmetric                                              ? "asymmetric"
                              : op.coordinates == fb::ResizeCoordinates::AlignCorners ? "align_corners"
                                                                                      : "half_pixel";
    Attributes attributes = {{"coordinate_transformation_mode", coordinates}};
    if (op.kind == fb::ResizeKind::Linear) {
      attributes.emplace_back("mode", "linear");
    } else {
      attributes.emplace_back("mode", "nearest");
      attributes.emplace_back("nearest_mode", asymmetric ? "floor" : "round_prefer_floor");
    }
    return Simple("Resize", nullptr, attributes,
                  {"", "", Ints("/sizes", OnnxShape(graph_.value(node_.outputs[0]).shape))});
  }

  // Between float and int8 tensors: End adds the QuantizeLinear, and an int8 value is read as float anyway.
  Status Emit(const fb::QuantizeT&) { return Requantized(); }
  Status Emit(const fb::RequantizeT&) { return Requantized(); }
  Status Emit(const fb::DequantizeT&) {
    graph_.Alias(node_.outputs[0], graph_.Tensor(node_.inputs[0]));
    return Status::Ok();
  }

  template <class Other>
  Status Emit(const Other&) {
    return Status::Internal("an operator that cannot stand in an unfused quantised graph");
  }

 private:
  static bool IsOnePixel(const Shape& nhwc) { return nhwc.size() != 4 || (nhwc[1] == 1 && nhwc[2] == 1); }

  std::string Inner(const char* suffix) { return graph_.writer().Name(node_.name + suffix); }
  std::string Ints(const char* suffix, const std::vector<int64_t>& values) {
    return graph_.writer().Ints(node_.name + suffix, values);
  }
  std::string Add(const char* type, const std::vector<std::string>& inputs, const std::string& dst,
                  const Attributes& attributes = {}) {
    return graph_.writer().Node(type, node_.name, inputs, dst, attributes);
  }
  void ToNchw(const std::string& src, const std::string& dst) {
    Add("Transpose", {src}, dst, {{"perm", {0, 3, 1, 2}}});
  }

  // One operator on the node's inputs, then `more` inputs.
  Status Simple(const char* type, const fb::Clamp* clamp, const Attributes& attributes = {},
                const std::vector<std::string>& more = {}) {
    std::vector<std::string> inputs;
    for (ValueId id : node_.inputs) inputs.push_back(graph_.Tensor(id));
    inputs.insert(inputs.end(), more.begin(), more.end());
    const std::string dst = graph_.Begin(node_.outputs[0], clamp);
    Add(type, inputs, dst, attributes);
    graph_.End(node_.outputs[0], clamp, dst);
    return Status::Ok();
  }

  Status Function(const fb::UnaryT& op) {
    const std::string dst = graph_.Begin(node_.outputs[0], nullptr);
    EmitUnary(op, node_.name, graph_.Tensor(node_.inputs[0]), dst, graph_.writer());
    graph_.End(node_.outputs[0], nullptr, dst);
    return Status::Ok();
  }

  Status Requantized() {
    graph_.End(node_.outputs[0], nullptr, graph_.Tensor(node_.inputs[0]));
    return Status::Ok();
  }

  const Node& node_;
  const Graph& source_;
  QdqGraph& graph_;
};

}  // namespace

Status EmitNode(const Node& node, const Graph& source, QdqGraph& graph) {
  NodeEmitter emitter(node, source, graph);
  return std::visit([&](const auto& op) { return emitter.Emit(op); }, node.options).Annotate(NodeLabel(node));
}

}  // namespace qrun::converter
