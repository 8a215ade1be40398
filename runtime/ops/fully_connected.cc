// FullyConnected: int8 on our kernel; float on oneDNN, else ours.
#include "runtime/ops/candidates.h"
#include "runtime/ops/onednn_step.h"
#include "runtime/ops/packed_weights.h"

namespace qrun {
namespace {

struct FcProblem {
  int rows, ic, oc;
  int src, wei, bia, dst;
  const fb::Clamp* clamp;
};

Status AddOnednn(PlanBuilder& plan, const FcProblem& p, StepDraft draft) {
  if (plan.reproducible_float()) return Status::Unsupported("its sums depend on the CPU");
  const FloatBounds bounds = ReadClamp(p.clamp);
  auto made =
      kernels::OnednnKernel::FullyConnected({p.rows, p.ic, p.oc, bounds.lo, bounds.hi, plan.threads()},
                                            plan.Constant<float>(p.wei), plan.Constant<float>(p.bia));
  if (!made.ok()) return made.error();
  AddOnednnStep(plan, std::move(*made), p.src, p.dst, std::move(draft));
  return Status::Ok();
}

int BlockCount(int channels, int block) { return (channels + block - 1) / block; }

Status AddF32(PlanBuilder& plan, const FcProblem& p, StepDraft draft) {
  const PackedF32 packed = PackF32(plan, {p.oc, 1, 1, p.ic, 1}, p.wei, p.bia);
  const FloatBounds bounds = ReadClamp(p.clamp);
  kernels::FullyConnectedF32Args args;
  args.rows = p.rows;
  args.ic = p.ic;
  args.oc = p.oc;
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  args.fused = !plan.reproducible_float();
  draft.reads = {p.src};
  draft.writes = {p.dst};
  draft.info.candidate = plan.CandidateName("fully_connected_f32");
  draft.info.packed_weight_bytes = packed.bytes;
  plan.AddKernel(std::move(draft), plan.table().fully_connected_f32, args,
                 BlockCount(p.oc, plan.table().conv_f32_packing.oc_block), 0,
                 [p](kernels::FullyConnectedF32Args& a, const Binder& binder) {
                   a.src = binder.In<float>(p.src);
                   a.dst = binder.Out<float>(p.dst);
                 });
  return Status::Ok();
}

Status AddS8(PlanBuilder& plan, const FcProblem& p, StepDraft draft) {
  const PackedS8 packed = PackS8(plan, {p.oc, 1, 1, p.ic, 1}, p.src, p.wei, p.bia, p.dst);
  const Int8Bounds bounds = QuantizeClamp(p.clamp, plan.scale(p.dst), plan.zero_point(p.dst));
  kernels::FullyConnectedS8Args args;
  args.rows = p.rows;
  args.ic = p.ic;
  args.oc = p.oc;
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.scale = packed.scale;
  args.src_zp = plan.zero_point(p.src);
  args.dst_zp = plan.zero_point(p.dst);
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  draft.reads = {p.src};
  draft.writes = {p.dst};
  draft.info.candidate = plan.CandidateName("fully_connected_s8");
  draft.info.packed_weight_bytes = packed.bytes;
  plan.AddKernel(std::move(draft), plan.table().fully_connected_s8, args,
                 BlockCount(p.oc, plan.table().conv_packing.oc_block),
                 plan.table().fully_connected_s8_scratch_bytes(args),
                 [p](kernels::FullyConnectedS8Args& a, const Binder& binder) {
                   a.src = binder.In<int8_t>(p.src);
                   a.dst = binder.Out<int8_t>(p.dst);
                 });
  return Status::Ok();
}

using Candidates = std::span<const Candidate<FcProblem>>;
constexpr Candidate<FcProblem> kF32[] = {{"onednn", AddOnednn}, {"fully_connected_f32", AddF32}};
constexpr Candidate<FcProblem> kS8[] = {{"fully_connected_s8", AddS8}};

}  // namespace

Status PrepareFullyConnected(const OpContext& op) {
  PlanBuilder& plan = op.plan;
  FcProblem p{};
  p.src = op.input(0);
  p.wei = op.input(1);
  p.bia = op.input(2);
  p.dst = op.output();
  p.ic = plan.Dim(p.src, -1);
  p.oc = plan.Dim(p.dst, -1);
  p.rows = static_cast<int>(plan.Elements(p.src) / p.ic);
  p.clamp = op.op.options_as_FullyConnected()->clamp();
  StepDraft draft = op.Draft("");
  draft.info.macs = int64_t{p.rows} * p.ic * p.oc;
  return AddFirst(plan, p, plan.is_int8(p.src) ? Candidates(kS8) : Candidates(kF32), std::move(draft));
}

}  // namespace qrun
