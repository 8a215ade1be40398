// Operators that only change a shape: Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Expand, Identity,
// Dropout.
#include <fmt/format.h>

#include <algorithm>

#include "converter/evaluate_constant.h"
#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

// Reshape's target: 0 copies the input's extent, -1 takes what is left.
Result<Shape> ReshapeTarget(const OnnxNode& node, const GraphBuilder& builder, std::vector<int64_t> target) {
  const Shape& src = builder.shape(node.input(0));
  if (builder.fixed_batch > 0 && !target.empty() && target[0] == builder.fixed_batch) target[0] = 1;
  int64_t known = 1;
  int open = -1;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && node.Int("allowzero", 0) == 0) {
      if (i >= src.size()) return Status::InvalidModel("copies an extent that its input does not have");
      target[i] = src[i];
    }
    if (target[i] == -1) {
      if (open >= 0) return Status::InvalidModel("leaves two extents open");
      open = static_cast<int>(i);
    } else if (target[i] < 0 || target[i] > kMaxElements) {
      return Status::InvalidModel(fmt::format("asks for an extent of {}", target[i]));
    } else if ((known *= target[i]) > kMaxElements) {
      return Status::InvalidModel("asks for a shape that is too large");
    }
  }
  if (open >= 0) {
    if (known == 0) return Status::InvalidModel("leaves an extent open next to an empty one");
    target[open] = ElementCount(src) / known;
  }
  return target;
}

Status Alias(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  builder.SetOutput(node, 0, node.input(0));
  return Status::Ok();
}

}  // namespace

Status ImportReshape(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  QRUN_ASSIGN_OR_RETURN(std::vector<int64_t> target, builder.ConstantInts(node, 1, "shape"));
  QRUN_ASSIGN_OR_RETURN(const Shape shape, ReshapeTarget(node, builder, std::move(target)));
  return FinishOutput(node, builder, builder.EmitReshape(node, node.input(0), shape));
}

Status ImportFlatten(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const Shape& src = builder.shape(node.input(0));
  const int64_t rank = static_cast<int64_t>(src.size());
  int64_t axis = node.Int("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) return Status::InvalidModel(fmt::format("axis {} of {} axes", axis, rank));
  if (axis == 0) return Status::Unsupported("flattens the batch as well (axis 0)");
  const Shape shape = {ElementCount({src.begin(), src.begin() + axis}),
                       ElementCount({src.begin() + axis, src.end()})};
  return FinishOutput(node, builder, builder.EmitReshape(node, node.input(0), shape));
}

Status ImportSqueeze(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const Shape& src = builder.shape(node.input(0));
  const bool activation = !builder.IsConstant(node.input(0));
  QRUN_ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> given,
                        IntsAttributeOrInput(node, builder, "axes", 1, 13));
  std::vector<int> axes;
  if (given) {
    QRUN_ASSIGN_OR_RETURN(axes, NormalizeAxes(*given, src.size()));
  } else {
    for (size_t i = activation; i < src.size(); ++i) {
      if (src[i] == 1) axes.push_back(static_cast<int>(i));
    }
  }
  Shape out;
  for (int i = 0; i < static_cast<int>(src.size()); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) {
      out.push_back(src[i]);
    } else if (activation && i == 0) {
      return Status::Unsupported("removes the batch axis");
    } else if (src[i] != 1) {
      return Status::InvalidModel(fmt::format("removes axis {} of {}", i, ShapeString(src)));
    }
  }
  return FinishOutput(node, builder, builder.EmitReshape(node, node.input(0), out));
}

Status ImportUnsqueeze(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const Shape& src = builder.shape(node.input(0));
  QRUN_ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> given,
                        IntsAttributeOrInput(node, builder, "axes", 1, 13));
  if (!given) return Status::InvalidModel("has no axes");
  const size_t rank = src.size() + given->size();
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> axes, NormalizeAxes(*given, rank));
  Shape out(rank, 0);
  for (int axis : axes) out[axis] = 1;
  if (std::count(out.begin(), out.end(), 1) != static_cast<int64_t>(axes.size())) {
    return Status::InvalidModel("inserts an axis twice");
  }
  if (!builder.IsConstant(node.input(0)) && out[0] == 1) {
    return Status::Unsupported("inserts an axis before the batch");
  }
  auto next = src.begin();
  for (int64_t& extent : out) {
    if (extent == 0) extent = *next++;
  }
  return FinishOutput(node, builder, builder.EmitReshape(node, node.input(0), out));
}

Status ImportTranspose(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const size_t rank = builder.shape(node.input(0)).size();
  std::vector<int64_t> axes;
  for (size_t i = rank; i-- > 0;) axes.push_back(static_cast<int64_t>(i));
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> perm, NormalizeAxes(node.Ints("perm").value_or(axes), rank));
  if (perm.size() != rank) return Status::InvalidModel("perm does not match its input");
  return FinishOutput(node, builder, builder.EmitTranspose(node, node.input(0), perm));
}

Status ImportExpand(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const ValueId src = node.input(0);
  QRUN_ASSIGN_OR_RETURN(Shape shape, builder.ConstantInts(node, 1, "shape"));
  Shape from = builder.shape(src);
  const size_t rank = std::max(shape.size(), from.size());
  shape.insert(shape.begin(), rank - shape.size(), 1);
  from.insert(from.begin(), rank - from.size(), 1);
  for (size_t i = 0; i < rank; ++i) {
    if (shape[i] == 1) shape[i] = from[i];
    if (from[i] != 1 && from[i] != shape[i]) {
      return Status::InvalidModel(
          fmt::format("cannot expand {} to {}", ShapeString(from), ShapeString(shape)));
    }
  }
  if (shape == builder.shape(src)) return Alias(node, builder);
  if (!builder.IsConstant(src)) return Status::Unsupported("repeats an activation");
  const int64_t count = ElementCount(shape);
  if (count < 0 || count > (1 << 26)) return Status::ResourceLimit("expands to " + ShapeString(shape));
  builder.SetOutput(
      node, 0, builder.AddConstant(BroadcastConstant(ReshapedConstant(builder.value(src), from), shape)));
  return Status::Ok();
}

Status ImportIdentity(const OnnxNode& node, GraphBuilder& builder) { return Alias(node, builder); }

Status ImportDropout(const OnnxNode& node, GraphBuilder& builder) {
  if (node.opset() >= 12 && node.HasInput(2)) {
    QRUN_ASSIGN_OR_RETURN(const std::vector<int64_t> training,
                          builder.ConstantInts(node, 2, "training_mode"));
    if (!training.empty() && training[0] != 0) {
      return Status::Unsupported("is in training mode; export the model for inference");
    }
  }
  return Alias(node, builder);
}

}  // namespace qrun::converter
