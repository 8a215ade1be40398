// Pool2D on our kernels, int8 and float.
#include "runtime/plan.h"
#include "runtime/quant_math.h"

namespace qrun {
namespace {

template <class Args>
Args CommonArgs(const PlanBuilder& plan, const fb::Pool2D& options, int src, int dst) {
  Args args;
  args.window.n = plan.Dim(src, 0);
  args.window.ih = plan.Dim(src, 1);
  args.window.iw = plan.Dim(src, 2);
  args.window.oh = plan.Dim(dst, 1);
  args.window.ow = plan.Dim(dst, 2);
  args.window.kh = options.kernel_h();
  args.window.kw = options.kernel_w();
  args.window.stride_h = options.stride_h();
  args.window.stride_w = options.stride_w();
  args.window.pad_top = options.pad_top();
  args.window.pad_left = options.pad_left();
  args.pad_bottom = options.pad_bottom();
  args.pad_right = options.pad_right();
  args.count_include_pad = options.count_include_pad();
  args.c = plan.Dim(src, 3);
  return args;
}

template <class Args, class T>
void AddPool(const OpContext& op, const char* name,
             void (*kernel)(const Args&, int, int, std::byte*) noexcept, const Args& args) {
  const int src = op.input(0), dst = op.output();
  StepDraft draft = op.Draft(op.plan.CandidateName(name));
  draft.reads = {src};
  draft.writes = {dst};
  draft.info.macs = op.plan.Elements(dst) * args.window.kh * args.window.kw;
  op.plan.AddKernel(std::move(draft), kernel, args, args.window.n * args.window.oh, 0,
                    [src, dst](Args& a, const Binder& binder) {
                      a.src = binder.In<T>(src);
                      a.dst = binder.Out<T>(dst);
                    });
}

}  // namespace

Status PreparePool2D(const OpContext& op) {
  PlanBuilder& plan = op.plan;
  const fb::Pool2D& options = *op.op.options_as_Pool2D();
  const int src = op.input(0), dst = op.output();
  const bool max = options.kind() == fb::PoolKind::Max;
  if (plan.is_int8(src)) {
    auto args = CommonArgs<kernels::PoolS8Args>(plan, options, src, dst);
    const Int8Bounds bounds = QuantizeClamp(options.clamp(), plan.scale(dst), plan.zero_point(dst));
    args.lo = bounds.lo;
    args.hi = bounds.hi;
    args.src_zp = plan.zero_point(src);
    args.dst_zp = plan.zero_point(dst);
    args.scale = plan.scale(src) / plan.scale(dst);
    AddPool<kernels::PoolS8Args, int8_t>(op, max ? "maxpool_s8" : "avgpool_s8",
                                         max ? plan.table().maxpool_s8 : plan.table().avgpool_s8, args);
  } else {
    auto args = CommonArgs<kernels::PoolF32Args>(plan, options, src, dst);
    const FloatBounds bounds = ReadClamp(options.clamp());
    args.lo = bounds.lo;
    args.hi = bounds.hi;
    AddPool<kernels::PoolF32Args, float>(op, max ? "maxpool_f32" : "avgpool_f32",
                                         max ? plan.table().maxpool_f32 : plan.table().avgpool_f32, args);
  }
  return Status::Ok();
}

}  // namespace qrun
