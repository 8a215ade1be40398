// Conv2D and DepthwiseConv2D: int8 on our kernels; float on oneDNN where it is built in and takes the shape,
// else ours.
#include "runtime/ops/parts.h"

#include "runtime/ops/candidates.h"
#include "runtime/ops/onednn_step.h"
#include "runtime/ops/packed_weights.h"

namespace qrun {
namespace {

using kernels::Window;

// What all candidates need to know about one convolution.
struct ConvProblem {
  Window window;
  int pad_bottom = 0, pad_right = 0;
  int ic = 0, oc = 0, groups = 1;
  ConvTensors tensors;
  const fb::Clamp* clamp = nullptr;
};

template <class Options>
Window ReadWindow(const PlanBuilder& plan, const Options& options, const ConvTensors& t, int kh, int kw) {
  Window window;
  window.n = plan.Dim(t.src, 0);
  window.ih = plan.Dim(t.src, 1);
  window.iw = plan.Dim(t.src, 2);
  window.oh = plan.Dim(t.dst, 1);
  window.ow = plan.Dim(t.dst, 2);
  window.kh = kh;
  window.kw = kw;
  window.stride_h = options.stride_h();
  window.stride_w = options.stride_w();
  window.dilation_h = options.dilation_h();
  window.dilation_w = options.dilation_w();
  window.pad_top = options.pad_top();
  window.pad_left = options.pad_left();
  return window;
}

Status AddOnednn(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  if (p.window.input_dilation_h != 1 || p.window.input_dilation_w != 1) {
    return Status::Unsupported("input dilation");
  }
  const FloatBounds bounds = ReadClamp(p.clamp);
  kernels::OnednnConvProblem problem;
  problem.window = p.window;
  problem.pad_bottom = p.pad_bottom;
  problem.pad_right = p.pad_right;
  problem.ic = p.ic;
  problem.oc = p.oc;
  problem.groups = p.groups;
  problem.depthwise = plan.Rank(p.tensors.wei) == 3;
  problem.lo = bounds.lo;
  problem.hi = bounds.hi;
  problem.threads = plan.threads();
  auto made = kernels::OnednnKernel::Convolution(problem, plan.Constant<float>(p.tensors.wei),
                                                 plan.Constant<float>(p.tensors.bia));
  if (!made.ok()) return made.error();
  AddOnednnStep(plan, std::move(*made), p.tensors.src, p.tensors.dst, std::move(draft));
  return Status::Ok();
}

Status AddConvF32(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const auto& t = p.tensors;
  const kernels::ConvWeightShape shape{p.oc, p.window.kh, p.window.kw, p.ic / p.groups, p.groups};
  const PackedF32 packed = PackF32(plan, shape, t.wei, t.bia);
  const FloatBounds bounds = ReadClamp(p.clamp);
  kernels::ConvF32Args args;
  args.window = p.window;
  args.ic = p.ic;
  args.oc = p.oc;
  args.groups = p.groups;
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  draft.reads = {t.src};
  draft.writes = {t.dst};
  draft.info.candidate = plan.CandidateName("conv2d_f32");
  draft.info.packed_weight_bytes = packed.bytes;
  plan.AddKernel(std::move(draft), plan.table().conv2d_f32, args, p.window.n * p.window.oh,
                 plan.table().conv2d_f32_scratch_bytes(args),
                 [t](kernels::ConvF32Args& a, const Binder& binder) {
                   a.src = binder.In<float>(t.src);
                   a.dst = binder.Out<float>(t.dst);
                 });
  return Status::Ok();
}

Status AddDwConvF32(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const auto& t = p.tensors;
  const int taps = p.window.kh * p.window.kw;
  const int c_padded = kernels::PaddedDepthwiseChannelsF32(p.ic);
  float* wei = plan.Persist<float>(static_cast<size_t>(taps) * c_padded);
  float* bia = plan.Persist<float>(c_padded);
  kernels::PackDepthwiseWeightsF32(taps, p.ic, plan.Constant<float>(t.wei), plan.Constant<float>(t.bia), wei,
                                   bia);
  const FloatBounds bounds = ReadClamp(p.clamp);
  kernels::DwConvF32Args args;
  args.window = p.window;
  args.c = p.ic;
  args.c_padded = c_padded;
  args.wei = wei;
  args.bia = bia;
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  draft.reads = {t.src};
  draft.writes = {t.dst};
  draft.info.candidate = plan.CandidateName("dwconv2d_f32");
  draft.info.packed_weight_bytes = (static_cast<size_t>(taps) + 1) * c_padded * sizeof(float);
  plan.AddKernel(std::move(draft), plan.table().dwconv2d_f32, args, p.window.n * p.window.oh, 0,
                 [t](kernels::DwConvF32Args& a, const Binder& binder) {
                   a.src = binder.In<float>(t.src);
                   a.dst = binder.Out<float>(t.dst);
                 });
  return Status::Ok();
}

Status AddConvS8(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const auto& t = p.tensors;
  const kernels::ConvWeightShape shape{p.oc, p.window.kh, p.window.kw, p.ic / p.groups, p.groups};
  const PackedS8 packed = PackS8(plan, shape, t.src, t.wei, t.bia, t.dst);
  const Int8Bounds bounds = QuantizeClamp(p.clamp, plan.scale(t.dst), plan.zero_point(t.dst));
  kernels::ConvS8Args args;
  args.window = p.window;
  args.ic = p.ic;
  args.oc = p.oc;
  args.groups = p.groups;
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.scale = packed.scale;
  args.src_zp = plan.zero_point(t.src);
  args.dst_zp = plan.zero_point(t.dst);
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  draft.reads = {t.src};
  draft.writes = {t.dst};
  draft.info.candidate = plan.CandidateName("conv2d_s8");
  draft.info.packed_weight_bytes = packed.bytes;
  plan.AddKernel(std::move(draft), plan.table().conv2d_s8, args, p.window.n * p.window.oh,
                 plan.table().conv2d_s8_scratch_bytes(args),
                 [t](kernels::ConvS8Args& a, const Binder& binder) {
                   a.src = binder.In<int8_t>(t.src);
                   a.dst = binder.Out<int8_t>(t.dst);
                 });
  return Status::Ok();
}

Status AddDwConvS8(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const auto& t = p.tensors;
  const int taps = p.window.kh * p.window.kw;
  const int c_padded = kernels::PaddedDepthwiseChannels(p.ic);
  int8_t* wei = plan.Persist<int8_t>(static_cast<size_t>(taps) * c_padded);
  int32_t* bia = plan.Persist<int32_t>(c_padded);
  float* scale = plan.Persist<float>(c_padded);
  const std::vector<float> scales = RequantizeScales(plan, t.src, t.wei, t.dst, p.ic);
  kernels::PackDepthwiseWeights(taps, p.ic, plan.zero_point(t.src), plan.Constant<int8_t>(t.wei),
                                plan.Constant<int32_t>(t.bia), scales.data(), wei, bia, scale);
  const Int8Bounds bounds = QuantizeClamp(p.clamp, plan.scale(t.dst), plan.zero_point(t.dst));
  kernels::DwConvS8Args args;
  args.window = p.window;
  args.c = p.ic;
  args.c_padded = c_padded;
  args.wei = wei;
  args.bia = bia;
  args.scale = scale;
  args.src_zp = plan.zero_point(t.src);
  args.dst_zp = plan.zero_point(t.dst);
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  draft.reads = {t.src};
  draft.writes = {t.dst};
  draft.info.candidate = plan.CandidateName("dwconv2d_s8");
  draft.info.packed_weight_bytes = (static_cast<size_t>(taps) + 8) * c_padded;
  plan.AddKernel(std::move(draft), plan.table().dwconv2d_s8, args, p.window.n * p.window.oh,
                 plan.table().dwconv2d_s8_scratch_bytes(args),
                 [t](kernels::DwConvS8Args& a, const Binder& binder) {
                   a.src = binder.In<int8_t>(t.src);
                   a.dst = binder.Out<int8_t>(t.dst);
                 });
  return Status::Ok();
}

using Candidates = std::span<const Candidate<ConvProblem>>;
constexpr Candidate<ConvProblem> kConvF32[] = {{"onednn", AddOnednn}, {"conv2d_f32", AddConvF32}};
constexpr Candidate<ConvProblem> kDwConvF32[] = {{"onednn", AddOnednn}, {"dwconv2d_f32", AddDwConvF32}};
constexpr Candidate<ConvProblem> kConvS8[] = {{"conv2d_s8", AddConvS8}};
constexpr Candidate<ConvProblem> kDwConvS8[] = {{"dwconv2d_s8", AddDwConvS8}};

int64_t OutputPixels(const Window& window) { return int64_t{window.n} * window.oh * window.ow; }

}  // namespace

Status AddConv2D(const OpContext& op, const fb::Conv2D& options, const ConvTensors& t) {
  PlanBuilder& plan = op.plan;
  ConvProblem p;
  p.window = ReadWindow(plan, options, t, plan.Dim(t.wei, 1), plan.Dim(t.wei, 2));
  p.window.input_dilation_h = options.input_dilation_h();
  p.window.input_dilation_w = options.input_dilation_w();
  p.pad_bottom = options.pad_bottom();
  p.pad_right = options.pad_right();
  p.ic = plan.Dim(t.src, 3);
  p.oc = plan.Dim(t.dst, 3);
  p.groups = options.groups();
  p.tensors = t;
  p.clamp = options.clamp();
  StepDraft draft = op.Draft("", t.part);
  draft.info.macs = OutputPixels(p.window) * plan.Elements(t.wei);
  return AddFirst(plan, p, plan.is_int8(t.src) ? Candidates(kConvS8) : Candidates(kConvF32),
                  std::move(draft));
}

Status AddDepthwise(const OpContext& op, const fb::DepthwiseConv2D& options, const ConvTensors& t) {
  PlanBuilder& plan = op.plan;
  ConvProblem p;
  p.window = ReadWindow(plan, options, t, plan.Dim(t.wei, 0), plan.Dim(t.wei, 1));
  p.pad_bottom = options.pad_bottom();
  p.pad_right = options.pad_right();
  p.ic = p.oc = p.groups = plan.Dim(t.src, 3);
  p.tensors = t;
  p.clamp = options.clamp();
  StepDraft draft = op.Draft("", t.part);
  draft.info.macs = OutputPixels(p.window) * plan.Elements(t.wei);
  return AddFirst(plan, p, plan.is_int8(t.src) ? Candidates(kDwConvS8) : Candidates(kDwConvF32),
                  std::move(draft));
}

Status PrepareConv2D(const OpContext& op) {
  return AddConv2D(op, *op.op.options_as_Conv2D(), {op.input(0), op.input(1), op.input(2), op.output()});
}

Status PrepareDepthwiseConv2D(const OpContext& op) {
  return AddDepthwise(op, *op.op.options_as_DepthwiseConv2D(),
                      {op.input(0), op.input(1), op.input(2), op.output()});
}

}  // namespace qrun
