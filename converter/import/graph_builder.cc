#include "converter/import/graph_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "converter/evaluate_constant.h"
#include "converter/infer_shapes.h"

namespace qrun::converter {
namespace {

// More elements than this in one evaluated constant mean a broken or hostile file: weights are read, not
// computed.
constexpr int64_t kMaxEvaluatedElements = int64_t{1} << 26;

Status BatchMoves(const char* how) {
  return Status::Unsupported(fmt::format("{} the batch axis, which must stay first and whole", how));
}

Status KeepsBatch(const fb::TransposeT& op, const Shape&) {
  return op.perm[0] == 0 ? Status::Ok() : BatchMoves("moves");
}
Status KeepsBatch(const fb::ConcatT& op, const Shape&) {
  return op.axis != 0 ? Status::Ok() : BatchMoves("concatenates along");
}
Status KeepsBatch(const fb::PadT& op, const Shape&) {
  return op.before[0] == 0 && op.after[0] == 0 ? Status::Ok() : BatchMoves("pads");
}
Status KeepsBatch(const fb::SliceT& op, const Shape&) {
  const bool forward = std::all_of(op.stride.begin(), op.stride.end(), [](int stride) { return stride > 0; });
  return forward ? Status::Ok() : Status::Unsupported("slices an activation backwards");
}
template <class Other>
Status KeepsBatch(const Other&, const Shape& out) {
  return !out.empty() && out[0] == 1 ? Status::Ok() : BatchMoves("merges or drops");
}

}  // namespace

Result<ValueId> GraphBuilder::Emit(const OnnxNode& node, NodeOptions options, std::vector<ValueId> inputs,
                                   const Shape& stated) {
  Node out;
  out.name = node.name();
  out.source_op = node.op();
  out.options = std::move(options);
  out.inputs = std::move(inputs);
  bool all_constant = true;
  std::vector<const Value*> constants;
  for (ValueId id : out.inputs) {
    all_constant = all_constant && id != kNoValue && IsConstant(id);
    if (all_constant) constants.push_back(&graph_.values[id]);
  }
  Result<Shape> shape = InferShape(graph_, out, stated);
  if (!shape.ok()) {
    if (fixed_batch == 0) return shape.error();
    return Status(shape.error().code(),
                  fmt::format("{} (the file fixes the batch to {}, which is read as 1; export "
                              "the model with batch 1)",
                              shape.error().message(), fixed_batch));
  }
  if (all_constant) {
    if (ElementCount(*shape) > kMaxEvaluatedElements) {
      return Status::ResourceLimit("computes a constant of shape " + ShapeString(*shape));
    }
    QRUN_ASSIGN_OR_RETURN(Value value, EvaluateConstant(out, constants, *shape));
    value.name = node.name();
    return AddConstant(std::move(value));
  }
  QRUN_RETURN_IF_ERROR(std::visit([&](const auto& op) { return KeepsBatch(op, *shape); }, out.options));
  Value value;
  value.name = fmt::format("{}.{}", node.name(), graph_.nodes.size());
  value.shape = *std::move(shape);
  const ValueId id = AddValue(graph_, std::move(value));
  out.outputs = {id};
  graph_.nodes.push_back(std::move(out));
  return id;
}

Result<ValueId> GraphBuilder::EmitReshape(const OnnxNode& node, ValueId src, const Shape& shape) {
  if (this->shape(src) == shape) return src;
  return Emit(node, fb::ReshapeT{}, {src}, shape);
}

Result<ValueId> GraphBuilder::EmitTranspose(const OnnxNode& node, ValueId src, const std::vector<int>& perm) {
  if (std::is_sorted(perm.begin(), perm.end())) return src;
  fb::TransposeT op;
  op.perm = perm;
  return Emit(node, std::move(op), {src});
}

Result<std::vector<int64_t>> GraphBuilder::ConstantInts(const OnnxNode& node, size_t input,
                                                        const char* what) const {
  const ValueId id = node.input(input);
  if (id == kNoValue) return Status::InvalidModel(fmt::format("lacks its input {} ({})", input, what));
  if (!IsConstant(id)) return Status::Unsupported(fmt::format("its {} is computed at run time", what));
  if (value(id).type == ElementType::kFloat32)
    return Status::InvalidModel(fmt::format("its {} is not integer", what));
  return Integers(value(id));
}

Result<std::vector<float>> GraphBuilder::ConstantFloats(const OnnxNode& node, size_t input,
                                                        const char* what) const {
  const ValueId id = node.input(input);
  if (id == kNoValue) return Status::InvalidModel(fmt::format("lacks its input {} ({})", input, what));
  if (!IsConstant(id)) return Status::Unsupported(fmt::format("its {} is computed at run time", what));
  if (value(id).type == ElementType::kFloat32)
    return std::vector<float>(Floats(value(id)).begin(), Floats(value(id)).end());
  const std::vector<int64_t> integers = Integers(value(id));
  return std::vector<float>(integers.begin(), integers.end());
}

void GraphBuilder::SetOutput(const OnnxNode& node, int i, ValueId id) {
  const std::string name = node.output(i);
  if (name.empty()) return;
  const bool own = !graph_.nodes.empty() && graph_.nodes.back().name == node.name() &&
                   !graph_.nodes.back().outputs.empty() && graph_.nodes.back().outputs[0] == id;
  if (own || IsConstant(id)) graph_.values[id].name = name;
  Name(name, id);
}

}  // namespace qrun::converter
