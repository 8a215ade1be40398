// Concat, Slice, Pad, Reshape, Transpose: strided copies.
#include "kernels/movement.h"

#include <cstring>

#include "runtime/plan.h"
#include "runtime/quant_math.h"

namespace qrun {
namespace {

using kernels::StridedCopyArgs;

int ElementBytes(const PlanBuilder& plan, int tensor) { return plan.is_int8(tensor) ? 1 : 4; }

// Element strides of a dense tensor.
void DenseStrides(const PlanBuilder& plan, int tensor, int64_t* stride) {
  int64_t step = 1;
  for (int axis = plan.Rank(tensor) - 1; axis >= 0; --axis) {
    stride[axis] = step;
    step *= plan.Dim(tensor, axis);
  }
}

// A copy over the extents of `shape_of` with dense strides on both sides; callers change what differs.
StridedCopyArgs DenseCopy(const PlanBuilder& plan, int src, int dst, int shape_of) {
  StridedCopyArgs args;
  args.axes = plan.Rank(shape_of);
  for (int axis = 0; axis < args.axes; ++axis) args.extent[axis] = plan.Dim(shape_of, axis);
  DenseStrides(plan, src, args.src_stride);
  DenseStrides(plan, dst, args.dst_stride);
  args.element_bytes = ElementBytes(plan, dst);
  return args;
}

// Offsets are in elements.
void AddCopy(const OpContext& op, const char* part, StridedCopyArgs args, int src, int64_t src_offset,
             int dst, int64_t dst_offset) {
  kernels::CoalesceAxes(args);
  StepDraft draft = op.Draft(op.plan.CandidateName("strided_copy"), part);
  draft.reads = {src};
  draft.writes = {dst};
  int64_t elements = 1;
  for (int axis = 0; axis < args.axes; ++axis) elements *= args.extent[axis];
  draft.info.macs = elements;
  op.plan.AddKernel(std::move(draft), op.plan.table().strided_copy, args, static_cast<int>(args.extent[0]), 0,
                    [=](StridedCopyArgs& a, const Binder& binder) {
                      a.src = binder.In<std::byte>(src) + src_offset * a.element_bytes;
                      a.dst = binder.Out<std::byte>(dst) + dst_offset * a.element_bytes;
                    });
}

}  // namespace

Status PrepareConcat(const OpContext& op) {
  PlanBuilder& plan = op.plan;
  const int dst = op.output();
  const int axis = op.op.options_as_Concat()->axis();
  int64_t dst_offset = 0, inner = 1;
  for (int d = axis + 1; d < plan.Rank(dst); ++d) inner *= plan.Dim(dst, d);
  const int count = static_cast<int>(op.op.inputs()->size());
  for (int i = 0; i < count; ++i) {
    const int src = op.input(i);
    StridedCopyArgs args = DenseCopy(plan, src, dst, src);
    // A constant input states batch 1 and is repeated.
    if (plan.is_constant(src)) {
      args.extent[0] = plan.batch();
      args.src_stride[0] = 0;
    }
    if (plan.is_int8(dst) &&
        (plan.scale(src) != plan.scale(dst) || plan.zero_point(src) != plan.zero_point(dst))) {
      int8_t* table = plan.Persist<int8_t>(256);
      RequantizeTable(plan.scale(src), plan.zero_point(src), plan.scale(dst), plan.zero_point(dst), table);
      args.table = table;
    }
    AddCopy(op, Cat("input", i).c_str(), args, src, 0, dst, dst_offset);
    dst_offset += plan.Dim(src, axis) * inner;
  }
  return Status::Ok();
}

Status PrepareSlice(const OpContext& op) {
  const fb::Slice& options = *op.op.options_as_Slice();
  const int src = op.input(0), dst = op.output();
  StridedCopyArgs args = DenseCopy(op.plan, src, dst, dst);
  int64_t src_offset = 0;
  for (int axis = 0; axis < args.axes; ++axis) {
    src_offset += options.begin()->Get(axis) * args.src_stride[axis];
    args.src_stride[axis] *= options.stride()->Get(axis);
  }
  AddCopy(op, nullptr, args, src, src_offset, dst, 0);
  return Status::Ok();
}

Status PreparePad(const OpContext& op) {
  PlanBuilder& plan = op.plan;
  const fb::Pad& options = *op.op.options_as_Pad();
  const int src = op.input(0), dst = op.output();

  kernels::FillArgs fill;
  fill.element_bytes = ElementBytes(plan, dst);
  if (plan.is_int8(dst)) {
    fill.value = static_cast<uint8_t>(QuantizeValue(options.value(), plan.scale(dst), plan.zero_point(dst)));
  } else {
    const float value = options.value();
    std::memcpy(&fill.value, &value, sizeof(value));
  }
  StepDraft draft = op.Draft("fill", "fill");
  draft.reads = {src};  // keeps the source alive and apart from the output
  draft.writes = {dst};
  plan.AddKernel(std::move(draft), kernels::fill, fill, static_cast<int>(plan.Elements(dst)), 0,
                 [dst](kernels::FillArgs& a, const Binder& binder) { a.dst = binder.Out<std::byte>(dst); });

  const StridedCopyArgs args = DenseCopy(plan, src, dst, src);
  int64_t dst_offset = 0;
  for (int axis = 0; axis < args.axes; ++axis)
    dst_offset += options.before()->Get(axis) * args.dst_stride[axis];
  AddCopy(op, "copy", args, src, 0, dst, dst_offset);
  return Status::Ok();
}

Status PrepareReshape(const OpContext& op) {
  const int src = op.input(0), dst = op.output();
  if (op.plan.is_model_output(dst) || op.plan.is_constant(src)) {
    // An output has its own memory.
    StridedCopyArgs args;
    args.axes = 1;
    args.extent[0] = op.plan.Elements(dst);
    args.element_bytes = ElementBytes(op.plan, dst);
    AddCopy(op, nullptr, args, src, 0, dst, 0);
    return Status::Ok();
  }
  StepDraft draft = op.Draft("alias");
  draft.reads = {src};
  draft.writes = {dst};
  draft.alias = true;
  op.plan.Add(std::move(draft));
  return Status::Ok();
}

Status PrepareTranspose(const OpContext& op) {
  const auto& perm = *op.op.options_as_Transpose()->perm();
  const int src = op.input(0), dst = op.output();
  StridedCopyArgs args = DenseCopy(op.plan, src, dst, dst);
  int64_t src_stride[kernels::kMaxAxes];
  DenseStrides(op.plan, src, src_stride);
  for (int axis = 0; axis < args.axes; ++axis) args.src_stride[axis] = src_stride[perm.Get(axis)];
  AddCopy(op, nullptr, args, src, 0, dst, 0);
  return Status::Ok();
}

}  // namespace qrun
