// InvertedResidual: its parts obey the rules of the operators that they are, chained through the inner
// tensors.
#include "schema/op_check.h"

namespace qrun::schema {
namespace {

constexpr int kExpandTable = 7, kDepthwiseTable = 8;

// The function behind a part that gives `value`; `value` becomes what the next part reads. `table`: the input
// that holds it in int8.
Status CheckFunction(const OpCheck& check, const char* part, const fb::PartFunction* function, int table,
                     const fb::Tensor*& value) {
  if (function == nullptr) {
    if (check.input(table) == nullptr) return Status::Ok();
    return check.Error(Cat("has a table, but no function behind ", part));
  }
  if (function->result() < 0) return check.Error(Cat("the function behind ", part, " names no result"));
  const fb::Tensor& src = *value;
  value = &check.tensor(function->result());
  if (src.dtype() == fb::DType::Float32) {
    if (function->function() == nullptr || check.input(table) != nullptr) {
      return check.Error(Cat("the float function behind ", part, " must be stated, without a table"));
    }
    return CheckUnary(check, *function->function(), src, *value);
  }
  if (function->function() != nullptr || check.input(table) == nullptr) {
    return check.Error(Cat("the int8 function behind ", part, " must be a table, input ", table));
  }
  return CheckLookupTable(check, src, *check.input(table), *value);
}

}  // namespace

std::vector<int32_t> InnerTensors(const fb::Operator& op) {
  const auto* block = op.options_as_InvertedResidual();
  if (block == nullptr) return {};
  std::vector<int32_t> inner = {block->expanded(), block->filtered(), block->projected()};
  for (const fb::PartFunction* function : {block->expand_function(), block->depthwise_function()}) {
    if (function != nullptr) inner.push_back(function->result());
  }
  return inner;
}

Status VerifyInvertedResidual(const OpCheck& check) {
  const fb::InvertedResidual& options = *check.op().options_as_InvertedResidual();
  if (check.op().outputs()->size() != 1) return check.Error("expected 1 output");
  if (check.input_count() != 7 && check.input_count() != 9) {
    return check.Error(Cat("has ", check.input_count(), " inputs, expected 7, or 9 with tables"));
  }
  if (options.depthwise() == nullptr || options.project() == nullptr) {
    return check.Error("depthwise and project options are required");
  }
  for (int required : {0, 3, 5}) {
    if (check.input(required) == nullptr)
      return check.Error(Cat("input ", required, " is absent but required"));
  }

  const auto inner = [&](int index) { return index < 0 ? nullptr : &check.tensor(index); };
  const fb::Tensor* expanded = inner(options.expanded());
  const fb::Tensor* filtered = inner(options.filtered());
  const fb::Tensor* projected = inner(options.projected());
  if (filtered == nullptr) return check.Error("the inner tensor `filtered` is required");
  if ((options.expand() != nullptr) != (expanded != nullptr)) {
    return check.Error("`expand` options and the inner tensor `expanded` go together");
  }
  if (options.residual() != (projected != nullptr)) {
    return check.Error("`residual` and the inner tensor `projected` go together");
  }

  const fb::Tensor* src = check.input(0);
  const fb::Tensor* flow = src;  // what the next part reads
  if (expanded == nullptr && (options.expand_function() != nullptr || check.input(kExpandTable) != nullptr)) {
    return check.Error("has a function behind an expand part that it does not have");
  }
  if (expanded != nullptr) {
    if (check.input(1) == nullptr) return check.Error("expand weights are absent");
    QRUN_RETURN_IF_ERROR(
        CheckConv2D(check, *options.expand(), *src, *check.input(1), check.input(2), *expanded));
    flow = expanded;
    QRUN_RETURN_IF_ERROR(CheckFunction(check, "expand", options.expand_function(), kExpandTable, flow));
  }
  QRUN_RETURN_IF_ERROR(
      CheckDepthwise(check, *options.depthwise(), *flow, *check.input(3), check.input(4), *filtered));
  flow = filtered;
  QRUN_RETURN_IF_ERROR(
      CheckFunction(check, "depthwise", options.depthwise_function(), kDepthwiseTable, flow));
  const fb::Conv2D& project = *options.project();
  const fb::Tensor& project_wei = *check.input(5);
  if (Rank(project_wei) != 4 || Dim(project_wei, 1) != 1 || Dim(project_wei, 2) != 1 ||
      project.stride_h() != 1 || project.stride_w() != 1 || project.input_dilation_h() != 1 ||
      project.input_dilation_w() != 1 || project.pad_top() != 0 || project.pad_left() != 0 ||
      project.pad_bottom() != 0 || project.pad_right() != 0) {
    return check.Error("`project` must be a 1x1 convolution without stride and padding");
  }
  const fb::Tensor& before_add = projected ? *projected : check.output();
  QRUN_RETURN_IF_ERROR(
      CheckConv2D(check, *options.project(), *flow, *check.input(5), check.input(6), before_add));
  QRUN_RETURN_IF_ERROR(check.CheckClamp(options.residual_clamp()));
  if (projected == nullptr) return Status::Ok();
  if (!SameShape(*src, *projected)) {
    return check.Error(Cat("residual adds ", ShapeText(*src), " to ", ShapeText(*projected)));
  }
  return CheckBinary(check, fb::BinaryKind::Add, *projected, *src, check.output());
}

}  // namespace qrun::schema
