// DepthToSpace and SpaceToDepth, spelt as Reshape, Transpose, Reshape.
#include <fmt/format.h>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

Result<int64_t> BlockSize(const OnnxNode& node, const GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const int64_t block = node.Int("blocksize", 0);
  if (builder.shape(node.input(0)).size() == 4 && block >= 1 && block <= 1024) return block;
  return Status::InvalidModel(
      fmt::format("blocks of {} in {}", block, ShapeString(builder.shape(node.input(0)))));
}

Status EmitRearranged(const OnnxNode& node, GraphBuilder& builder, const Shape& split,
                      const std::vector<int>& perm, const Shape& out) {
  QRUN_ASSIGN_OR_RETURN(ValueId value, builder.EmitReshape(node, node.input(0), split));
  QRUN_ASSIGN_OR_RETURN(value, builder.EmitTranspose(node, value, perm));
  return FinishOutput(node, builder, builder.EmitReshape(node, value, out));
}

}  // namespace

Status ImportDepthToSpace(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_ASSIGN_OR_RETURN(const int64_t b, BlockSize(node, builder));
  const Shape s = builder.shape(node.input(0));
  const Shape out = {s[0], s[1] / (b * b), s[2] * b, s[3] * b};
  if (node.String("mode", "DCR") == "CRD") {
    return EmitRearranged(node, builder, {s[0], out[1], b, b, s[2], s[3]}, {0, 1, 4, 2, 5, 3}, out);
  }
  return EmitRearranged(node, builder, {s[0], b, b, out[1], s[2], s[3]}, {0, 3, 4, 1, 5, 2}, out);
}

Status ImportSpaceToDepth(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_ASSIGN_OR_RETURN(const int64_t b, BlockSize(node, builder));
  const Shape s = builder.shape(node.input(0));
  return EmitRearranged(node, builder, {s[0], s[1], s[2] / b, b, s[3] / b, b}, {0, 3, 5, 1, 2, 4},
                        {s[0], s[1] * b * b, s[2] / b, s[3] / b});
}

}  // namespace qrun::converter
