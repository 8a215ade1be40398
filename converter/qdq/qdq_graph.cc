#include "converter/qdq/qdq_graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "runtime/qrun.h"
#include "runtime/quant_math.h"

namespace qrun::converter {
namespace {

const std::vector<int64_t> kToNchw = {0, 3, 1, 2}, kToNhwc = {0, 2, 3, 1};

bool IsInt8(const Value& value) { return value.type == ElementType::kInt8; }

// One scale is a scalar without an axis; ONNX reads a vector as one scale per slice.
Shape ScaleShape(const QuantParams& quant) {
  return quant.axis < 0 ? Shape() : Shape{static_cast<int64_t>(quant.scale.size())};
}
std::vector<OnnxAttribute> ScaleAxis(const QuantParams& quant, int onnx_axis) {
  if (quant.axis < 0) return {};
  return {{"axis", onnx_axis}};
}

}  // namespace

std::vector<int> OnnxAxes(size_t rank) {
  if (rank == 4) return {0, 3, 1, 2};
  std::vector<int> axes;
  for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int>(i));
  return axes;
}

Shape OnnxShape(const Shape& stored) {
  Shape shape;
  for (int axis : OnnxAxes(stored.size())) shape.push_back(stored[axis]);
  return shape;
}

std::vector<std::byte> PermutedBytes(std::span<const std::byte> src, const Shape& shape,
                                     const std::vector<int>& perm, size_t bytes_each) {
  const size_t rank = shape.size();
  std::vector<size_t> stride(rank, 1);
  for (size_t i = rank; i-- > 1;) stride[i - 1] = stride[i] * static_cast<size_t>(shape[i]);
  std::vector<std::byte> dst(src.size());
  std::vector<int64_t> at(rank, 0);  // in the order of dst
  for (size_t i = 0; i < dst.size(); i += bytes_each) {
    size_t from = 0;
    for (size_t axis = 0; axis < rank; ++axis) from += static_cast<size_t>(at[axis]) * stride[perm[axis]];
    std::memcpy(&dst[i], &src[from * bytes_each], bytes_each);
    for (size_t axis = rank; axis-- > 0;) {
      if (++at[axis] < shape[perm[axis]]) break;
      at[axis] = 0;
    }
  }
  return dst;
}

QdqGraph::QdqGraph(const Graph& graph)
    : graph_(graph),
      writer_(graph.name, "qconvert", std::string(Version())),
      name_(graph.values.size()),
      names_output_(graph.values.size(), false) {
  for (ValueId id : graph_.inputs) writer_.Name(value(id).name);
  for (ValueId id : graph_.outputs) {
    writer_.Name(value(id).name);
    names_output_[id] = IsDeclaredAsHeld(value(id));
  }
  for (ValueId id : graph_.inputs) {
    const Value& input = value(id);
    const bool held = IsDeclaredAsHeld(input);
    writer_.Input(input.name, held ? OnnxShape(input.shape) : input.shape);
    std::string tensor = input.name;
    if (!held) tensor = Transposed(tensor, kToNchw, writer_.Name(input.name + "/nchw"));
    if (IsInt8(input)) {
      tensor = Quantize(input, PerTensor(input), tensor, writer_.Name(input.name + "/dequantized"));
    }
    Alias(id, std::move(tensor));
  }
}

bool QdqGraph::IsDeclaredAsHeld(const Value& value) {
  return value.shape.size() != 4 || value.source_layout == fb::SourceLayout::Nchw;
}

std::string QdqGraph::Transposed(const std::string& src, const std::vector<int64_t>& perm,
                                 const std::string& dst) {
  return writer_.Node("Transpose", dst + "/transpose", {src}, dst, {{"perm", perm}});
}

QdqGraph::Params QdqGraph::PerTensor(const Value& value) {
  const int zero_point = value.quant->zero_point.empty() ? 0 : value.quant->zero_point[0];
  const std::byte shifted{static_cast<uint8_t>(zero_point + 128)};
  return {writer_.Floats(value.name + "/scale", {}, std::span(value.quant->scale).first(1)),
          writer_.Bytes(value.name + "/zero_point", onnx::TensorProto::UINT8, {}, {&shifted, 1})};
}

std::string QdqGraph::Quantize(const Value& value, const Params& params, const std::string& src,
                               const std::string& dst) {
  const std::string integers = writer_.Name(value.name + "/quantized");
  writer_.Node("QuantizeLinear", integers + "/q", {src, params.scale, params.zero_point}, integers);
  return writer_.Node("DequantizeLinear", integers + "/dq", {integers, params.scale, params.zero_point}, dst);
}

std::string QdqGraph::Clip(const std::string& name, const fb::Clamp& clamp, const std::string& src,
                           const std::string& dst) {
  if (clamp.min() == 0 && std::isinf(clamp.max())) return writer_.Node("Relu", name + "/relu", {src}, dst);
  const auto bound = [&](const char* which, float x) {
    return std::isinf(x) ? std::string() : writer_.Floats(name + which, {}, {&x, 1});
  };
  const std::string lo = bound("/min", clamp.min()), hi = bound("/max", clamp.max());
  return writer_.Node("Clip", name + "/clip", {src, lo, hi}, dst);
}

std::string QdqGraph::Constant(const Value& value) {
  const Shape shape = OnnxShape(value.shape);
  std::vector<std::byte> bytes =
      PermutedBytes(*value.data, value.shape, OnnxAxes(value.shape.size()), ElementBytes(value.type));
  if (!IsInt8(value)) return writer_.Bytes(value.name, onnx::TensorProto::FLOAT, shape, bytes);
  for (std::byte& byte : bytes) byte ^= std::byte{0x80};  // q + 128
  const Params params = PerTensor(value);
  const std::string integers = writer_.Bytes(value.name, onnx::TensorProto::UINT8, shape, bytes);
  return writer_.Node("DequantizeLinear", integers + "/dq", {integers, params.scale, params.zero_point},
                      writer_.Name(value.name + "/dequantized"));
}

std::string QdqGraph::Tensor(ValueId id) {
  if (name_[id].empty()) name_[id] = Constant(value(id));
  return name_[id];
}

std::string QdqGraph::StoredTensor(ValueId id) {
  const std::string tensor = Tensor(id);
  if (value(id).shape.size() != 4) return tensor;
  return Transposed(tensor, kToNhwc, writer_.Name(value(id).name + "/nhwc"));
}

std::string QdqGraph::Weights(ValueId id, const Shape& shape, std::span<const std::byte> elements,
                              int onnx_axis) {
  const Value& wei = value(id);
  if (!IsInt8(wei)) return writer_.Bytes(wei.name, onnx::TensorProto::FLOAT, shape, elements);
  const Shape channels = ScaleShape(*wei.quant);
  const std::vector<std::byte> zeros(wei.quant->scale.size());
  const std::string integers = writer_.Bytes(wei.name, onnx::TensorProto::INT8, shape, elements);
  const std::string scale = writer_.Floats(wei.name + "/scale", channels, wei.quant->scale);
  const std::string zero_point =
      writer_.Bytes(wei.name + "/zero_point", onnx::TensorProto::INT8, channels, zeros);
  return writer_.Node("DequantizeLinear", integers + "/dq", {integers, scale, zero_point},
                      writer_.Name(wei.name + "/dequantized"), ScaleAxis(*wei.quant, onnx_axis));
}

std::string QdqGraph::Bias(ValueId id, ValueId src, ValueId wei) {
  const Value& bia = value(id);
  if (bia.type == ElementType::kFloat32) return Tensor(id);
  std::vector<float> scale;
  for (float wei_scale : value(wei).quant->scale) {
    scale.push_back(static_cast<float>(double{value(src).quant->scale[0]} * wei_scale));
  }
  const std::string integers = writer_.Bytes(bia.name, onnx::TensorProto::INT32, bia.shape, *bia.data);
  const QuantParams& quant = *value(wei).quant;
  const std::string scales = writer_.Floats(bia.name + "/scale", ScaleShape(quant), scale);
  return writer_.Node("DequantizeLinear", integers + "/dq", {integers, scales},
                      writer_.Name(bia.name + "/dequantized"), ScaleAxis(quant, 0));
}

bool QdqGraph::IsNarrow(ValueId id, const fb::Clamp* clamp) const {
  if (clamp == nullptr) return false;
  const Value& dst = value(id);
  if (!IsInt8(dst)) return true;
  const int zero_point = dst.quant->zero_point.empty() ? 0 : dst.quant->zero_point[0];
  const Int8Bounds bounds = QuantizeClamp(clamp, dst.quant->scale[0], zero_point);
  return bounds.lo > -128 || bounds.hi < 127;
}

std::string QdqGraph::FinalName(ValueId id) {
  return names_output_[id] ? value(id).name : writer_.Name(value(id).name);
}

std::string QdqGraph::Begin(ValueId id, const fb::Clamp* clamp) {
  if (IsInt8(value(id)) || IsNarrow(id, clamp)) return writer_.Name(value(id).name + "/float");
  return FinalName(id);
}

void QdqGraph::End(ValueId id, const fb::Clamp* clamp, const std::string& begun) {
  const Value& dst = value(id);
  const bool narrow = IsNarrow(id, clamp);
  std::string tensor = begun;
  if (!IsInt8(dst)) {
    Alias(id, narrow ? Clip(dst.name, *clamp, tensor, FinalName(id)) : tensor);
    return;
  }
  const Params params = PerTensor(dst);
  if (narrow) {
    tensor = Quantize(dst, params, tensor, writer_.Name(dst.name + "/unclamped"));
    tensor = Clip(dst.name, *clamp, tensor, writer_.Name(dst.name + "/clamped"));
  }
  Alias(id, Quantize(dst, params, tensor, FinalName(id)));
}

void QdqGraph::FinishOutputs() {
  for (ValueId id : graph_.outputs) {
    const Value& output = value(id);
    const bool held = IsDeclaredAsHeld(output);
    writer_.Output(output.name, held ? OnnxShape(output.shape) : output.shape);
    const std::string tensor = Tensor(id);
    if (!held) {
      Transposed(tensor, kToNhwc, output.name);
    } else if (tensor != output.name) {
      writer_.Node("Identity", output.name + "/identity", {tensor}, output.name);
    }
  }
}

}  // namespace qrun::converter
