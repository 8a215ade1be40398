// Shapes of operators' outputs, in either layout, and the check of a whole graph against them.
#ifndef QRUN_CONVERTER_INFER_SHAPES_H_
#define QRUN_CONVERTER_INFER_SHAPES_H_

#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// Shape of node's only output from the shapes of its inputs (empty where absent). Reshape, Slice and Resize2D
// cannot be inferred: their output's shape is a parameter, passed as `stated` and checked; for other
// operators a `stated` shape is ignored. Errors: invalid_model, with what was expected.
Result<Shape> InferShape(const Node& node, const std::vector<Shape>& inputs, Layout layout,
                         const Shape& stated);

// InferShape over the values of `graph`.
Result<Shape> InferShape(const Graph& graph, const Node& node, const Shape& stated);

// Checks indices, single assignment, topological order, types of constants against their bytes, and that
// every value has the shape that its operator gives it. Errors: internal (names node and value).
Status ValidateGraph(const Graph& graph);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_INFER_SHAPES_H_
