// InvertedResidual: its parts obey the rules of the operators that they are, chained through the inner
// tensors.
#include "schema/op_check.h"

namespace qrun::schema {

Status VerifyInvertedResidual(const OpCheck& check) {
  const fb::InvertedResidual& options = *check.op().options_as_InvertedResidual();
  if (check.op().outputs()->size() != 1) return check.Error("expected 1 output");
  if (check.input_count() != 7) return check.Error(Cat("has ", check.input_count(), " inputs, expected 7"));
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
  if (expanded != nullptr) {
    if (check.input(1) == nullptr) return check.Error("expand weights are absent");
    QRUN_RETURN_IF_ERROR(
        CheckConv2D(check, *options.expand(), *src, *check.input(1), check.input(2), *expanded));
  }
  QRUN_RETURN_IF_ERROR(CheckDepthwise(check, *options.depthwise(), expanded ? *expanded : *src,
                                      *check.input(3), check.input(4), *filtered));
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
      CheckConv2D(check, *options.project(), *filtered, *check.input(5), check.input(6), before_add));
  QRUN_RETURN_IF_ERROR(check.CheckClamp(options.residual_clamp()));
  if (projected == nullptr) return Status::Ok();
  if (!SameShape(*src, *projected)) {
    return check.Error(Cat("residual adds ", ShapeText(*src), " to ", ShapeText(*projected)));
  }
  return CheckBinary(check, fb::BinaryKind::Add, *projected, *src, check.output());
}

}  // namespace qrun::schema
