#include "converter/infer_shapes.h"

#include <fmt/format.h>

#include <limits>

namespace qrun::converter {
namespace {

struct Inputs {
  const std::vector<Shape>& shapes;
  Layout layout;
  const Shape& stated;

  const Shape& operator[](size_t i) const { return shapes[i]; }
  size_t size() const { return shapes.size(); }
  size_t channel_axis(size_t rank) const { return layout == Layout::kNchw ? 1 : rank - 1; }
};

Status Expected(const std::string& what) { return Status::InvalidModel(what); }

Status ExpectRank(const Shape& shape, size_t rank, const char* what) {
  if (shape.size() == rank) return Status::Ok();
  return Expected(fmt::format("{} has shape {}, but rank {} is needed", what, ShapeString(shape), rank));
}

// Extent of a window operator's output along one axis.
Result<int64_t> WindowExtent(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t before,
                             int64_t after) {
  constexpr int64_t kLimit = std::numeric_limits<int32_t>::max();
  if (kernel < 1 || stride < 1 || dilation < 1 || kernel > kLimit || dilation > kLimit) {
    return Expected(
        fmt::format("kernel {}, stride {} and dilation {} must be positive", kernel, stride, dilation));
  }
  const int64_t reach = (kernel - 1) * dilation + 1;
  const int64_t padded = in + before + after;
  if (in < 1 || padded < reach) {
    return Expected(fmt::format("a window of {} does not fit into {} pixels with padding {} and {}", reach,
                                in, before, after));
  }
  return (padded - reach) / stride + 1;
}

// Where the axes of an image lie.
struct Image {
  size_t c, h, w;
};
Image ImageAxes(Layout layout) { return layout == Layout::kNchw ? Image{1, 2, 3} : Image{3, 1, 2}; }

template <class Window>
Result<Shape> InferWindow(const Window& op, const Inputs& in, int64_t kernel_h, int64_t kernel_w,
                          int64_t dilation_h, int64_t dilation_w, int64_t height, int64_t width,
                          int64_t channels) {
  const Image axes = ImageAxes(in.layout);
  Shape out = in[0];
  out[axes.c] = channels;
  QRUN_ASSIGN_OR_RETURN(out[axes.h],
                        WindowExtent(height, kernel_h, op.stride_h, dilation_h, op.pad_top, op.pad_bottom));
  QRUN_ASSIGN_OR_RETURN(out[axes.w],
                        WindowExtent(width, kernel_w, op.stride_w, dilation_w, op.pad_left, op.pad_right));
  return out;
}

Status ExpectBias(const Inputs& in, int64_t channels) {
  if (in.size() < 3 || in[2] == Shape{channels}) return Status::Ok();
  if (in[2].empty() && in.shapes.size() == 3) return Status::Ok();  // absent
  return Expected(fmt::format("bias has shape {}, but [{}] is needed", ShapeString(in[2]), channels));
}

Result<Shape> Infer(const fb::Conv2DT& op, const Inputs& in) {
  QRUN_RETURN_IF_ERROR(ExpectRank(in[0], 4, "input"));
  QRUN_RETURN_IF_ERROR(ExpectRank(in[1], 4, "weight"));
  const Image axes = ImageAxes(in.layout);
  const int64_t channels = in[0][axes.c], oc = in[1][0];
  if (op.groups < 1 || channels % op.groups != 0 || oc % op.groups != 0 ||
      in[1][axes.c] != channels / op.groups) {
    return Expected(fmt::format("{} input channels in {} groups do not fit a weight of shape {}", channels,
                                op.groups, ShapeString(in[1])));
  }
  QRUN_RETURN_IF_ERROR(ExpectBias(in, oc));
  if (op.input_dilation_h < 1 || op.input_dilation_w < 1) return Expected("input dilation must be positive");
  return InferWindow(op, in, in[1][axes.h], in[1][axes.w], op.dilation_h, op.dilation_w,
                     (in[0][axes.h] - 1) * op.input_dilation_h + 1,
                     (in[0][axes.w] - 1) * op.input_dilation_w + 1, oc);
}

Result<Shape> Infer(const fb::DepthwiseConv2DT& op, const Inputs& in) {
  QRUN_RETURN_IF_ERROR(ExpectRank(in[0], 4, "input"));
  QRUN_RETURN_IF_ERROR(ExpectRank(in[1], 3, "weight"));
  const Image axes = ImageAxes(in.layout);
  const int64_t channels = in[0][axes.c];
  if (in[1][2] != channels) {
    return Expected(fmt::format("{} input channels do not fit a depthwise weight of shape {}", channels,
                                ShapeString(in[1])));
  }
  QRUN_RETURN_IF_ERROR(ExpectBias(in, channels));
  return InferWindow(op, in, in[1][0], in[1][1], op.dilation_h, op.dilation_w, in[0][axes.h], in[0][axes.w],
                     channels);
}

Result<Shape> Infer(const fb::FullyConnectedT&, const Inputs& in) {
  QRUN_RETURN_IF_ERROR(ExpectRank(in[1], 2, "weight"));
  if (in[0].size() < 2 || in[0].back() != in[1][1]) {
    return Expected(
        fmt::format("input {} does not fit a weight of shape {}", ShapeString(in[0]), ShapeString(in[1])));
  }
  QRUN_RETURN_IF_ERROR(ExpectBias(in, in[1][0]));
  Shape out = in[0];
  out.back() = in[1][0];
  return out;
}

Result<Shape> Infer(const fb::InvertedResidualT& op, const Inputs& in) {
  if (!op.depthwise || !op.project || (in.size() != 7 && in.size() != 9) ||
      (op.expand && in[1].size() != 4)) {
    return Expected(
        "an inverted residual needs depthwise and project parts and seven inputs, or nine with tables");
  }
  std::vector<Shape> part = {in[0], in[1]};
  Shape flow = in[0];
  if (op.expand) {
    QRUN_ASSIGN_OR_RETURN(flow, Infer(*op.expand, {part, in.layout, in.stated}));
  }
  part = {flow, in[3]};
  QRUN_ASSIGN_OR_RETURN(flow, Infer(*op.depthwise, {part, in.layout, in.stated}));
  part = {flow, in[5]};
  QRUN_ASSIGN_OR_RETURN(flow, Infer(*op.project, {part, in.layout, in.stated}));
  if (op.residual && flow != in[0]) return Expected("the residual input and the projection differ in shape");
  return flow;
}

Result<Shape> Infer(const fb::BinaryT&, const Inputs& in) {
  bool fits = in[0].size() == in[1].size();
  for (size_t i = 0; fits && i < in[0].size(); ++i) fits = in[1][i] == in[0][i] || in[1][i] == 1;
  if (fits) return in[0];
  return Expected(fmt::format("{} cannot be broadcast to {}", ShapeString(in[1]), ShapeString(in[0])));
}

Result<Shape> Infer(const fb::Pool2DT& op, const Inputs& in) {
  QRUN_RETURN_IF_ERROR(ExpectRank(in[0], 4, "input"));
  const Image axes = ImageAxes(in.layout);
  return InferWindow(op, in, op.kernel_h, op.kernel_w, 1, 1, in[0][axes.h], in[0][axes.w], in[0][axes.c]);
}

Result<Shape> Infer(const fb::ConcatT& op, const Inputs& in) {
  Shape out = in[0];
  if (op.axis < 0 || op.axis >= static_cast<int>(out.size()))
    return Expected(fmt::format("axis {}", op.axis));
  for (size_t i = 1; i < in.size(); ++i) {
    Shape other = in[i];
    if (other.size() != out.size()) return Expected("inputs differ in rank");
    out[op.axis] += other[op.axis];
    other[op.axis] = out[op.axis];
    if (other != out) {
      return Expected(fmt::format("{} and {} differ outside of axis {}", ShapeString(in[0]),
                                  ShapeString(in[i]), op.axis));
    }
  }
  return out;
}

Result<Shape> Infer(const fb::SliceT& op, const Inputs& in) {
  const Shape& out = in.stated;
  bool fits = out.size() == in[0].size() && op.begin.size() == out.size() && op.stride.size() == out.size();
  for (size_t i = 0; fits && i < out.size(); ++i) {
    const int64_t last = op.begin[i] + (out[i] - 1) * int64_t{op.stride[i]};
    fits = out[i] >= 1 && op.begin[i] >= 0 && op.begin[i] < in[0][i] && last >= 0 && last < in[0][i];
  }
  if (fits) return out;
  return Expected(
      fmt::format("a slice of shape {} does not lie in {}", ShapeString(out), ShapeString(in[0])));
}

Result<Shape> Infer(const fb::PadT& op, const Inputs& in) {
  Shape out = in[0];
  if (op.before.size() != out.size() || op.after.size() != out.size())
    return Expected("pads do not match the rank");
  for (size_t i = 0; i < out.size(); ++i) {
    if (op.before[i] < 0 || op.after[i] < 0) return Expected("negative pads");
    out[i] += int64_t{op.before[i]} + op.after[i];
  }
  return out;
}

Result<Shape> Infer(const fb::ReshapeT&, const Inputs& in) {
  const int64_t count = ElementCount(in.stated);
  if (count >= 0 && count == ElementCount(in[0])) return in.stated;
  return Expected(fmt::format("{} cannot be reshaped to {}", ShapeString(in[0]), ShapeString(in.stated)));
}

Result<Shape> Infer(const fb::TransposeT& op, const Inputs& in) {
  std::vector<bool> seen(in[0].size());
  Shape out;
  for (int axis : op.perm) {
    if (axis < 0 || axis >= static_cast<int>(seen.size()) || seen[axis]) break;
    seen[axis] = true;
    out.push_back(in[0][axis]);
  }
  if (out.size() == seen.size() && op.perm.size() == seen.size()) return out;
  return Expected(fmt::format("perm is not a permutation of {} axes", seen.size()));
}

Result<Shape> Infer(const fb::Resize2DT&, const Inputs& in) {
  QRUN_RETURN_IF_ERROR(ExpectRank(in[0], 4, "input"));
  const Image axes = ImageAxes(in.layout);
  Shape out = in[0];
  if (in.stated.size() == 4) {
    out[axes.h] = in.stated[axes.h];
    out[axes.w] = in.stated[axes.w];
  }
  if (out == in.stated && out[axes.h] >= 1 && out[axes.w] >= 1) return out;
  return Expected(fmt::format("{} cannot be resized to {}", ShapeString(in[0]), ShapeString(in.stated)));
}

Result<Shape> Infer(const BatchNorm&, const Inputs& in) {
  if (in[0].size() < 2) return Expected("input needs a channel axis");
  const Shape channels = {in[0][in.channel_axis(in[0].size())]};
  for (size_t i = 1; i < 5; ++i) {
    if (in[i] == channels) continue;
    return Expected(fmt::format("parameter {} has shape {}, but {} is needed", i, ShapeString(in[i]),
                                ShapeString(channels)));
  }
  return in[0];
}

// Element by element: Unary, LookupTable, Quantize, Dequantize, Requantize, Softmax, Erf, Identity.
template <class Other>
Result<Shape> Infer(const Other&, const Inputs& in) {
  return in[0];
}

// Fewest inputs that an operator can have, in the order of NodeOptions.
template <class Op>
size_t MinInputs(const Op&) {
  return 1;
}
size_t MinInputs(const fb::Conv2DT&) { return 2; }
size_t MinInputs(const fb::DepthwiseConv2DT&) { return 2; }
size_t MinInputs(const fb::FullyConnectedT&) { return 2; }
size_t MinInputs(const fb::InvertedResidualT&) { return 7; }
size_t MinInputs(const fb::BinaryT&) { return 2; }
size_t MinInputs(const BatchNorm&) { return 5; }

}  // namespace

Result<Shape> InferShape(const Node& node, const std::vector<Shape>& inputs, Layout layout,
                         const Shape& stated) {
  return std::visit(
      [&](const auto& op) -> Result<Shape> {
        if (inputs.size() < MinInputs(op)) {
          return Expected(fmt::format("{} inputs given, {} needed", inputs.size(), MinInputs(op)));
        }
        QRUN_ASSIGN_OR_RETURN(Shape out, Infer(op, Inputs{inputs, layout, stated}));
        if (ElementCount(out) < 0) return Status::ResourceLimit("an output of shape " + ShapeString(out));
        return out;
      },
      node.options);
}

Result<Shape> InferShape(const Graph& graph, const Node& node, const Shape& stated) {
  std::vector<Shape> inputs;
  for (ValueId id : node.inputs) inputs.push_back(id == kNoValue ? Shape{} : graph.values[id].shape);
  return InferShape(node, inputs, graph.layout, stated);
}

}  // namespace qrun::converter
