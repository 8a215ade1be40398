// Resize2D: the taps of every output row and column are computed here, the kernels interpolate.
#include <cmath>

#include "runtime/plan.h"

namespace qrun {
namespace {

double SourceCoordinate(fb::ResizeCoordinates rule, int out_index, int in, int out) {
  switch (rule) {
    case fb::ResizeCoordinates::HalfPixel:
      return (out_index + 0.5) * in / out - 0.5;
    case fb::ResizeCoordinates::Asymmetric:
      return static_cast<double>(out_index) * in / out;
    case fb::ResizeCoordinates::AlignCorners:
      return out == 1 ? 0.0 : static_cast<double>(out_index) * (in - 1) / (out - 1);
  }
  return 0.0;
}

const kernels::ResizeTap* MakeTaps(PlanBuilder& plan, const fb::Resize2D& options, int in, int out) {
  kernels::ResizeTap* taps = plan.Persist<kernels::ResizeTap>(out);
  for (int i = 0; i < out; ++i) {
    const double at = SourceCoordinate(options.coordinates(), i, in, out);
    const auto inside = [&](double index) {
      return static_cast<int>(std::min(std::max(index, 0.0), in - 1.0));
    };
    if (options.kind() == fb::ResizeKind::Nearest) {
      // Half goes down, as ONNX's round_prefer_floor; Asymmetric is used with floor by every exporter we
      // know.
      const bool floor = options.coordinates() == fb::ResizeCoordinates::Asymmetric;
      taps[i].i0 = taps[i].i1 = inside(floor ? std::floor(at) : std::ceil(at - 0.5));
    } else {
      const double clamped = std::min(std::max(at, 0.0), in - 1.0);
      taps[i].i0 = inside(std::floor(clamped));
      taps[i].i1 = inside(taps[i].i0 + 1.0);
      taps[i].w1 = static_cast<float>(clamped - taps[i].i0);
    }
  }
  return taps;
}

template <class Args, class T>
void AddResize(const OpContext& op, const char* name,
               void (*kernel)(const Args&, int, int, std::byte*) noexcept) {
  PlanBuilder& plan = op.plan;
  const fb::Resize2D& options = *op.op.options_as_Resize2D();
  const int src = op.input(0), dst = op.output();
  Args args;
  args.n = plan.Dim(src, 0);
  args.ih = plan.Dim(src, 1);
  args.iw = plan.Dim(src, 2);
  args.oh = plan.Dim(dst, 1);
  args.ow = plan.Dim(dst, 2);
  args.c = plan.Dim(src, 3);
  args.rows = MakeTaps(plan, options, args.ih, args.oh);
  args.cols = MakeTaps(plan, options, args.iw, args.ow);
  StepDraft draft = op.Draft(plan.CandidateName(name));
  draft.reads = {src};
  draft.writes = {dst};
  draft.info.macs = plan.Elements(dst) * 4;
  plan.AddKernel(std::move(draft), kernel, args, args.n * args.oh, 0,
                 [src, dst](Args& a, const Binder& binder) {
                   a.src = binder.In<T>(src);
                   a.dst = binder.Out<T>(dst);
                 });
}

}  // namespace

Status PrepareResize2D(const OpContext& op) {
  if (op.plan.is_int8(op.input(0))) {
    AddResize<kernels::ResizeS8Args, int8_t>(op, "resize_s8", op.plan.table().resize_s8);
  } else {
    AddResize<kernels::ResizeF32Args, float>(op, "resize_f32", op.plan.table().resize_f32);
  }
  return Status::Ok();
}

}  // namespace qrun
