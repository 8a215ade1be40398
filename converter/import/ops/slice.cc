// Slice, Split, Concat and Pad.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

fb::SliceT WholeSlice(size_t rank) {
  fb::SliceT op;
  op.begin.assign(rank, 0);
  op.stride.assign(rank, 1);
  return op;
}

// Emits a slice; one that would cut the batch of an activation is an error.
Result<ValueId> EmitSlice(const OnnxNode& node, GraphBuilder& builder, ValueId src, fb::SliceT op,
                          const Shape& out) {
  if (out == builder.shape(src) && op.stride == std::vector<int>(out.size(), 1)) return src;
  const bool empty = std::find(out.begin(), out.end(), 0) != out.end();
  if (!empty) return builder.Emit(node, std::move(op), {src}, out);
  if (!builder.IsConstant(src)) return Status::Unsupported("leaves nothing of an activation");
  Value value;
  value.name = node.name();
  value.type = builder.value(src).type;
  value.shape = out;
  value.data = std::make_shared<const std::vector<std::byte>>();
  return builder.AddConstant(std::move(value));
}

Result<std::vector<int64_t>> SliceParameter(const OnnxNode& node, const GraphBuilder& builder,
                                            const char* name, size_t input, std::vector<int64_t> fallback) {
  QRUN_ASSIGN_OR_RETURN(std::optional<std::vector<int64_t>> values,
                        IntsAttributeOrInput(node, builder, name, input, 10));
  return std::move(values).value_or(std::move(fallback));
}

}  // namespace

Status ImportSlice(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const ValueId src = node.input(0);
  Shape out = builder.shape(src);
  QRUN_ASSIGN_OR_RETURN(const std::vector<int64_t> starts, SliceParameter(node, builder, "starts", 1, {}));
  QRUN_ASSIGN_OR_RETURN(const std::vector<int64_t> ends, SliceParameter(node, builder, "ends", 2, {}));
  std::vector<int64_t> first_axes(starts.size());
  std::iota(first_axes.begin(), first_axes.end(), 0);
  QRUN_ASSIGN_OR_RETURN(const std::vector<int64_t> given,
                        SliceParameter(node, builder, "axes", 3, first_axes));
  QRUN_ASSIGN_OR_RETURN(const std::vector<int64_t> steps,
                        SliceParameter(node, builder, "steps", 4, std::vector<int64_t>(starts.size(), 1)));
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> axes, NormalizeAxes(given, out.size()));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    return Status::InvalidModel("starts, ends, axes and steps differ in length");
  }
  fb::SliceT op = WholeSlice(out.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t extent = builder.shape(src)[axes[i]], step = steps[i];
    if (step == 0 || step < -kMaxElements || step > kMaxElements) {
      return Status::InvalidModel(fmt::format("steps by {}", step));
    }
    const auto clamp_to = [&](int64_t at, int64_t lo, int64_t hi) {
      return std::clamp(at < 0 ? at + extent : at, lo, hi);
    };
    const int64_t begin = step > 0 ? clamp_to(starts[i], 0, extent) : clamp_to(starts[i], 0, extent - 1);
    const int64_t end = step > 0 ? clamp_to(ends[i], 0, extent) : clamp_to(ends[i], -1, extent - 1);
    const int64_t span = step > 0 ? end - begin : begin - end;
    out[axes[i]] = span <= 0 ? 0 : (span - 1) / std::abs(step) + 1;
    if (axes[i] == 0 && !builder.IsConstant(src) && out[0] != 1) {
      return Status::Unsupported("cuts the batch axis");
    }
    QRUN_ASSIGN_OR_RETURN(op.begin[axes[i]], SmallInt(begin, "start"));
    // With one element left the step does not matter; with more it is below the extent.
    QRUN_ASSIGN_OR_RETURN(op.stride[axes[i]], SmallInt(out[axes[i]] <= 1 ? 1 : step, "step"));
  }
  return FinishOutput(node, builder, EmitSlice(node, builder, src, std::move(op), out));
}

Status ImportSplit(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const ValueId src = node.input(0);
  const Shape shape = builder.shape(src);
  QRUN_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(node.Int("axis", 0), shape.size()));
  if (axis == 0 && !builder.IsConstant(src)) return Status::Unsupported("splits the batch");
  QRUN_ASSIGN_OR_RETURN(std::optional<std::vector<int64_t>> parts,
                        IntsAttributeOrInput(node, builder, "split", 1, 13));
  const int64_t count = node.output_count();
  if (!parts) {  // equal parts; the last may be smaller
    const int64_t part = (shape[axis] + count - 1) / std::max<int64_t>(count, 1);
    parts.emplace(count, part);
    if (count > 0) parts->back() = shape[axis] - part * (count - 1);
  }
  if (static_cast<int64_t>(parts->size()) != count)
    return Status::InvalidModel("names more or fewer parts than outputs");
  int64_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    Shape out = shape;
    out[axis] = (*parts)[i];
    if (out[axis] < 1 || out[axis] > shape[axis] - at) {
      return Status::InvalidModel(fmt::format("the parts do not sum to {}", shape[axis]));
    }
    fb::SliceT op = WholeSlice(shape.size());
    op.begin[axis] = static_cast<int>(at);
    at += out[axis];
    QRUN_ASSIGN_OR_RETURN(const ValueId part, EmitSlice(node, builder, src, std::move(op), out));
    builder.SetOutput(node, static_cast<int>(i), part);
  }
  return at == shape[axis] ? Status::Ok()
                           : Status::InvalidModel(fmt::format("the parts do not sum to {}", shape[axis]));
}

Status ImportConcat(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, std::max<size_t>(node.inputs().size(), 1)));
  fb::ConcatT op;
  std::vector<ValueId> inputs;
  QRUN_ASSIGN_OR_RETURN(op.axis, NormalizeAxis(node.Int("axis", 1), builder.shape(node.input(0)).size()));
  for (ValueId id : node.inputs()) {
    // Empty parts come from shape arithmetic and add nothing.
    const Shape& shape = builder.shape(id);
    if (std::find(shape.begin(), shape.end(), 0) == shape.end()) inputs.push_back(id);
  }
  if (inputs.empty()) inputs.push_back(node.input(0));
  if (inputs.size() == 1) {
    builder.SetOutput(node, 0, inputs[0]);
    return Status::Ok();
  }
  return EmitOutput(node, builder, std::move(op), std::move(inputs));
}

Status ImportPad(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const std::string mode = node.String("mode", "constant");
  if (mode != "constant")
    return Status::Unsupported(fmt::format("pads with mode '{}'; only 'constant' is supported", mode));
  ValueId src = node.input(0);
  const Shape shape = builder.shape(src);
  QRUN_ASSIGN_OR_RETURN(const auto given, IntsAttributeOrInput(node, builder, "pads", 1, 11));
  std::vector<float> value = {node.Float("value", 0)};
  if (node.opset() >= 11 && node.HasInput(2)) {
    QRUN_ASSIGN_OR_RETURN(value, builder.ConstantFloats(node, 2, "value"));
  }
  std::vector<int64_t> all_axes(shape.size());
  std::iota(all_axes.begin(), all_axes.end(), 0);
  if (node.opset() >= 18 && node.HasInput(3)) {
    QRUN_ASSIGN_OR_RETURN(all_axes, builder.ConstantInts(node, 3, "axes"));
  }
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> axes, NormalizeAxes(all_axes, shape.size()));
  if (!given || given->size() != 2 * axes.size() || value.size() != 1) {
    return Status::InvalidModel("its pads do not match its axes, or its value is not one number");
  }
  // Negative pads cut.
  fb::PadT pad;
  pad.value = value[0];
  pad.before.assign(shape.size(), 0);
  pad.after.assign(shape.size(), 0);
  fb::SliceT cut = WholeSlice(shape.size());
  Shape kept = shape;
  for (size_t i = 0; i < axes.size(); ++i) {
    QRUN_ASSIGN_OR_RETURN(const int before, SmallInt((*given)[i], "pad"));
    QRUN_ASSIGN_OR_RETURN(const int after, SmallInt((*given)[i + axes.size()], "pad"));
    pad.before[axes[i]] = std::max(before, 0);
    pad.after[axes[i]] = std::max(after, 0);
    cut.begin[axes[i]] = std::max(-before, 0);
    kept[axes[i]] -= std::max(-before, 0) + std::max(-after, 0);
    if (kept[axes[i]] < 1) return Status::InvalidModel("its negative pads leave nothing");
  }
  QRUN_ASSIGN_OR_RETURN(src, EmitSlice(node, builder, src, std::move(cut), kept));
  return EmitOutput(node, builder, std::move(pad), {src});
}

}  // namespace qrun::converter
