// What several import functions need.
#ifndef QRUN_CONVERTER_IMPORT_OPS_COMMON_H_
#define QRUN_CONVERTER_IMPORT_OPS_COMMON_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "converter/import/graph_builder.h"
#include "converter/import/onnx_node.h"
#include "schema/status.h"

namespace qrun::converter {

// Checks that inputs 0..count-1 are given. Errors: invalid_model.
Status ExpectInputs(const OnnxNode& node, size_t count);

// An axis counted from the front: -1 is rank - 1. Errors: invalid_model outside [-rank, rank).
Result<int> NormalizeAxis(int64_t axis, size_t rank);
Result<std::vector<int>> NormalizeAxes(const std::vector<int64_t>& axes, size_t rank);

// Integers that are the attribute `name` before opset `since`, and constant input `input` from then on;
// nullopt where neither is given.
Result<std::optional<std::vector<int64_t>>> IntsAttributeOrInput(const OnnxNode& node,
                                                                 const GraphBuilder& builder,
                                                                 const char* name, size_t input,
                                                                 int64_t since);

// `value` as the int32 that the schema holds. Errors: invalid_model outside [-2^24, 2^24].
Result<int> SmallInt(int64_t value, const char* what);

// A signal [N,C,L] as an image [N,C,1,L]; an image [N,C,H,W] as it is. Errors: unsupported for other ranks.
Result<ValueId> AsImage(const OnnxNode& node, GraphBuilder& builder, ValueId src);
// Back from an image to `rank` axes (3 or 4).
Result<ValueId> FromImage(const OnnxNode& node, GraphBuilder& builder, ValueId src, size_t rank);

// The order of axes that moves `axis` to the end, and its inverse.
std::vector<int> MoveToEnd(size_t rank, int axis);
std::vector<int> InversePermutation(const std::vector<int>& perm);

// Emits options on inputs and makes the result the node's only output.
Status EmitOutput(const OnnxNode& node, GraphBuilder& builder, NodeOptions options,
                  std::vector<ValueId> inputs, const Shape& stated = {});

// Makes a Result the node's only output.
Status FinishOutput(const OnnxNode& node, GraphBuilder& builder, const Result<ValueId>& out);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMPORT_OPS_COMMON_H_
