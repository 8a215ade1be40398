// Pool2D and Resize2D.
#include "schema/op_check.h"

namespace qrun::schema {
namespace {

constexpr int64_t kMaxResized = 65536;

}  // namespace

Status VerifyPool2D(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  const fb::Pool2D& options = *check.op().options_as_Pool2D();
  const fb::Tensor &src = *check.input(0), &dst = check.output();
  if (options.kind() < fb::PoolKind::MIN || options.kind() > fb::PoolKind::MAX)
    return check.Error("unknown kind");
  QRUN_RETURN_IF_ERROR(check.FloatOrInt8(src, "input"));
  QRUN_RETURN_IF_ERROR(check.SameType(src, dst));
  if (Rank(src) != 4 || Rank(dst) != 4 || Dim(src, 3) != Dim(dst, 3)) {
    return check.Error(
        Cat("shapes ", ShapeText(src), " -> ", ShapeText(dst), ", expected [N, H, W, C] with equal C"));
  }
  QRUN_RETURN_IF_ERROR(check.CheckClamp(options.clamp()));
  struct {
    int in, out, kernel, stride, before, after;
  } axes[] = {{Dim(src, 1), Dim(dst, 1), options.kernel_h(), options.stride_h(), options.pad_top(),
               options.pad_bottom()},
              {Dim(src, 2), Dim(dst, 2), options.kernel_w(), options.stride_w(), options.pad_left(),
               options.pad_right()}};
  for (const auto& axis : axes) {
    QRUN_RETURN_IF_ERROR(check.InRange("kernel", axis.kernel, 1, 16384));
    QRUN_RETURN_IF_ERROR(check.InRange("stride", axis.stride, 1, 16384));
    // A window that lies in the padding alone would have nothing to take the maximum or average of.
    QRUN_RETURN_IF_ERROR(check.InRange("padding", axis.before, 0, axis.kernel - 1));
    QRUN_RETURN_IF_ERROR(check.InRange("padding", axis.after, 0, axis.kernel - 1));
    const int64_t want = WindowExtent(axis.in, 1, axis.kernel, 1, axis.stride, axis.before, axis.after);
    if (want != axis.out)
      return check.Error(Cat("output extent is ", axis.out, " but the window gives ", want));
    const int64_t last_start = (want - 1) * axis.stride - axis.before;
    if (last_start >= axis.in) return check.Error("the last window lies outside of the image");
  }
  if (src.dtype() == fb::DType::Int8 && options.kind() == fb::PoolKind::Max && !SameQuantization(src, dst)) {
    return check.Error("int8 maximum must keep the quantisation of its input");
  }
  const int64_t reads = int64_t{options.kernel_h()} * options.kernel_w();
  // Sums of up to 2^28 pixels times 255 would overflow; 2^23 cannot.
  QRUN_RETURN_IF_ERROR(check.InRange("window size", reads, 1, int64_t{1} << 23));
  return check.CheckWork(ElementCount(dst) * reads);
}

Status VerifyResize2D(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  const fb::Resize2D& options = *check.op().options_as_Resize2D();
  const fb::Tensor &src = *check.input(0), &dst = check.output();
  if (options.kind() < fb::ResizeKind::MIN || options.kind() > fb::ResizeKind::MAX ||
      options.coordinates() < fb::ResizeCoordinates::MIN ||
      options.coordinates() > fb::ResizeCoordinates::MAX) {
    return check.Error("unknown kind or coordinates");
  }
  QRUN_RETURN_IF_ERROR(check.FloatOrInt8(src, "input"));
  QRUN_RETURN_IF_ERROR(check.SameType(src, dst));
  if (Rank(src) != 4 || Rank(dst) != 4 || Dim(src, 3) != Dim(dst, 3)) {
    return check.Error(
        Cat("shapes ", ShapeText(src), " -> ", ShapeText(dst), ", expected [N, H, W, C] with equal C"));
  }
  // A plan keeps where each row and each column comes from.
  QRUN_RETURN_IF_ERROR(check.InRange("output height", Dim(dst, 1), 1, kMaxResized));
  QRUN_RETURN_IF_ERROR(check.InRange("output width", Dim(dst, 2), 1, kMaxResized));
  if (!SameQuantization(src, dst)) return check.Error("input and output must share their quantisation");
  return Status::Ok();
}

}  // namespace qrun::schema
