// ConvTranspose: a convolution over the input with zeros between its pixels, with the kernel turned by half a
// turn.
#include <fmt/format.h>

#include <algorithm>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"
#include "converter/import/ops/window.h"

namespace qrun::converter {
namespace {

// [IC, OC/groups, KH, KW] to [OC, IC/groups, KH, KW], rows and columns reversed.
Value TurnedWeight(const Value& weight, int64_t groups) {
  const int64_t ic = weight.shape[0], group_oc = weight.shape[1], pixels = weight.shape[2] * weight.shape[3];
  const int64_t group_ic = ic / groups;
  const auto src = Floats(weight);
  std::vector<float> dst(src.size());
  for (int64_t c = 0; c < ic; ++c) {
    for (int64_t o = 0; o < group_oc; ++o) {
      const int64_t oc = c / group_ic * group_oc + o;
      const auto from = src.begin() + (c * group_oc + o) * pixels;
      std::reverse_copy(from, from + pixels, dst.begin() + (oc * group_ic + c % group_ic) * pixels);
    }
  }
  return FloatConstant(weight.name, {group_oc * groups, group_ic, weight.shape[2], weight.shape[3]}, dst);
}

// Sets the padding of one axis as the operator's definition does from auto_pad and output_shape (0: not
// given).
Status ResolvePadding(const Window& window, int64_t in, int64_t output_shape, int output_padding,
                      WindowAxis& axis) {
  const bool same = window.auto_pad.starts_with("SAME");
  if (same && output_shape == 0) output_shape = in * axis.stride;
  if (output_shape == 0) return Status::Ok();
  const int64_t total = axis.stride * (in - 1) + output_padding + axis.reach() - output_shape;
  if (total < 0 || total > (1 << 24)) {
    return Status::Unsupported(
        fmt::format("an output of {} pixels is larger than its window reaches", output_shape));
  }
  axis.before = static_cast<int>(window.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2);
  axis.after = static_cast<int>(total - axis.before);
  return Status::Ok();
}

}  // namespace

Status ImportConvTranspose(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const size_t rank = builder.shape(node.input(0)).size();
  if (!builder.IsConstant(node.input(1))) return Status::Unsupported("its weights are computed at run time");
  Value weight = builder.value(node.input(1));
  if (rank < 3 || rank > 4)
    return Status::Unsupported(fmt::format("convolves over {} axes", int64_t(rank) - 2));
  if (weight.shape.size() != rank || weight.type != ElementType::kFloat32) {
    return Status::InvalidModel(fmt::format("its weights have shape {}", ShapeString(weight.shape)));
  }
  if (rank == 3) weight.shape.insert(weight.shape.begin() + 2, 1);
  fb::Conv2DT op;
  QRUN_ASSIGN_OR_RETURN(op.groups, SmallInt(node.Int("group", 1), "group"));
  if (op.groups < 1 || weight.shape[0] % op.groups != 0) {
    return Status::InvalidModel(fmt::format("{} groups of {} input channels", op.groups, weight.shape[0]));
  }
  QRUN_ASSIGN_OR_RETURN(Window window, ReadWindow(node, rank, {weight.shape[2], weight.shape[3]}));
  QRUN_ASSIGN_OR_RETURN(const ValueId src, AsImage(node, builder, node.input(0)));

  const size_t spatial = rank - 2;
  const std::vector<int64_t> extra = node.Ints("output_padding").value_or(std::vector<int64_t>(spatial, 0));
  const std::vector<int64_t> wanted = node.Ints("output_shape").value_or(std::vector<int64_t>(spatial, 0));
  if (extra.size() != spatial || wanted.size() < spatial) {
    return Status::InvalidModel("output_padding or output_shape do not match the axes");
  }
  WindowAxis* axes[2] = {&window.h, &window.w};
  for (size_t i = 2 - spatial; i < 2; ++i) {
    QRUN_ASSIGN_OR_RETURN(const int output_padding, SmallInt(extra[i + spatial - 2], "output_padding"));
    const int64_t output_shape = wanted[wanted.size() - 2 + i];
    QRUN_RETURN_IF_ERROR(
        ResolvePadding(window, builder.shape(src)[2 + i], output_shape, output_padding, *axes[i]));
    axes[i]->before = axes[i]->reach() - 1 - axes[i]->before;
    axes[i]->after = axes[i]->reach() - 1 - axes[i]->after + output_padding;
  }
  op.input_dilation_h = window.h.stride;
  op.input_dilation_w = window.w.stride;
  window.h.stride = window.w.stride = 1;
  SetWindow(window, op);
  op.dilation_h = window.h.dilation;
  op.dilation_w = window.w.dilation;
  std::vector<ValueId> inputs = {src, builder.AddConstant(TurnedWeight(weight, op.groups))};
  if (node.HasInput(2)) {
    if (!builder.IsConstant(node.input(2))) return Status::Unsupported("its bias is computed at run time");
    inputs.push_back(node.input(2));
  }
  QRUN_ASSIGN_OR_RETURN(const ValueId out, builder.Emit(node, std::move(op), std::move(inputs)));
  return FinishOutput(node, builder, FromImage(node, builder, out, rank));
}

}  // namespace qrun::converter
