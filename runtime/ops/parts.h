// Steps that more than one operator adds: the convolutions, functions and additions that InvertedResidual is
// made of.
#ifndef QRUN_RUNTIME_OPS_PARTS_H_
#define QRUN_RUNTIME_OPS_PARTS_H_

#include "runtime/plan.h"

namespace qrun {

// Tensor numbers; bia is -1 where absent. `part` names the step inside its operator, null if it is the only
// one.
struct ConvTensors {
  int src, wei, bia, dst;
  const char* part = nullptr;
};

Status AddConv2D(const OpContext& op, const fb::Conv2D& options, const ConvTensors& tensors);
Status AddDepthwise(const OpContext& op, const fb::DepthwiseConv2D& options, const ConvTensors& tensors);

// dst = clamp(a + b, ...) for equal shapes or broadcast b; shared by Binary and the residual of a block.
Status AddBinary(const OpContext& op, fb::BinaryKind kind, const fb::Clamp* clamp, int a, int b, int dst,
                 const char* part);

// dst = function(src), value by value; float.
void AddUnary(const OpContext& op, const fb::Unary& function, int src, int dst, const char* part = nullptr);
// dst = table[src + 128], value by value; int8. table: the tensor.
void AddLookupTable(const OpContext& op, int table, int src, int dst, const char* part = nullptr);

// Arguments of the int8 addition dst = a + b, without extents, strides and pointers.
kernels::BinaryS8Args AddS8Args(const PlanBuilder& plan, const fb::Clamp* clamp, int a, int b, int dst);

}  // namespace qrun

#endif  // QRUN_RUNTIME_OPS_PARTS_H_
