// Values of operators whose inputs are all constants: folds shape arithmetic and constant sub-graphs.
#ifndef QRUN_CONVERTER_EVALUATE_CONSTANT_H_
#define QRUN_CONVERTER_EVALUATE_CONSTANT_H_

#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// Elements of an integer or bool constant, widened.
std::vector<int64_t> Integers(const Value& value);

// The constant that `node` makes from constant inputs. Element-moving operators take every type; Binary takes
// equal types, numpy's broadcasting limited as in the schema; Unary takes float32 (and Abs, Neg integers).
// Integer arithmetic wraps. `out_shape` is what InferShape gave. Errors: unsupported (operator or type),
// invalid_model (division by zero).
Result<Value> EvaluateConstant(const Node& node, const std::vector<const Value*>& inputs,
                               const Shape& out_shape);

// Moves the elements of `value` so that axis i of the result is axis perm[i].
Value TransposedConstant(const Value& value, const std::vector<int>& perm);

// The same elements under another shape of equal product.
Value ReshapedConstant(const Value& value, Shape shape);

// `value` repeated along its extents of 1 up to `shape` (equal rank; the other extents equal).
Value BroadcastConstant(const Value& value, const Shape& shape);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_EVALUATE_CONSTANT_H_
