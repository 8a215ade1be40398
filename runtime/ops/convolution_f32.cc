// Float convolutions on oneDNN and on our own kernels.
#include "runtime/ops/conv_problem.h"
#include "runtime/ops/onednn_step.h"
#include "runtime/ops/packed_weights.h"

namespace qrun {

Status AddConvOnednn(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  if (plan.reproducible_float()) return Status::Unsupported("its sums depend on the CPU");
  if (p.pad_values != nullptr) return Status::Unsupported("padding that is not zero");
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

kernels::ConvF32Args PackConvF32(PlanBuilder& plan, const ConvProblem& p, size_t* packed_bytes,
                                 const float* wei) {
  const auto& t = p.tensors;
  const kernels::ConvWeightShape shape{p.oc, p.window.kh, p.window.kw, p.ic / p.groups, p.groups};
  const PackedF32 packed = PackF32(plan, shape, t.wei, t.bia, wei);
  *packed_bytes += packed.bytes;
  const FloatBounds bounds = ReadClamp(p.clamp);
  kernels::ConvF32Args args;
  args.window = p.window;
  args.ic = p.ic;
  args.oc = p.oc;
  args.groups = p.groups;
  args.pad_values = p.pad_values;
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  args.fused = !plan.reproducible_float();
  return args;
}

Status AddConvF32(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const auto& t = p.tensors;
  kernels::ConvF32Args args = PackConvF32(plan, p, &draft.info.packed_weight_bytes);
  args.parts = ChannelParts(plan, p, plan.table().conv_f32_packing.oc_block);
  draft.reads = {t.src};
  draft.writes = {t.dst};
  draft.info.candidate = plan.CandidateName("conv2d_f32");
  plan.AddKernel(std::move(draft), plan.table().conv2d_f32, args, args.parts * p.window.n * p.window.oh,
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
  const PackedF32 packed =
      PersistF32(plan, static_cast<size_t>(taps) * c_padded, c_padded, [&](float* wei, float* bia) {
        kernels::PackDepthwiseWeightsF32(taps, p.ic, plan.Constant<float>(t.wei), plan.Constant<float>(t.bia),
                                         wei, bia);
      });
  const FloatBounds bounds = ReadClamp(p.clamp);
  kernels::DwConvF32Args args;
  args.window = p.window;
  args.c = p.ic;
  args.c_padded = c_padded;
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  args.fused = !plan.reproducible_float();
  draft.reads = {t.src};
  draft.writes = {t.dst};
  draft.info.candidate = plan.CandidateName("dwconv2d_f32");
  draft.info.packed_weight_bytes = packed.bytes;
  plan.AddKernel(std::move(draft), plan.table().dwconv2d_f32, args, p.window.n * p.window.oh, 0,
                 [t](kernels::DwConvF32Args& a, const Binder& binder) {
                   a.src = binder.In<float>(t.src);
                   a.dst = binder.Out<float>(t.dst);
                 });
  return Status::Ok();
}

}  // namespace qrun
