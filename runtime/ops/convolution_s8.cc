// int8 convolutions on our kernels.
#include "runtime/ops/conv_problem.h"
#include "runtime/ops/packed_weights.h"

namespace qrun {
namespace {

template <class Args>
void SetQuantization(const PlanBuilder& plan, const ConvProblem& p, Args& args) {
  const ConvTensors& t = p.tensors;
  const Int8Bounds bounds = QuantizeClamp(p.clamp, plan.scale(t.dst), plan.zero_point(t.dst));
  args.window = p.window;
  args.src_zp = plan.zero_point(t.src);
  args.dst_zp = plan.zero_point(t.dst);
  args.lo = bounds.lo;
  args.hi = bounds.hi;
}

template <class Args>
void AddStep(PlanBuilder& plan, const ConvProblem& p,
             void (*kernel)(const Args&, int, int, std::byte*) noexcept, const Args& args, int parts,
             size_t scratch_bytes, StepDraft draft) {
  const ConvTensors t = p.tensors;
  draft.reads = {t.src};
  draft.writes = {t.dst};
  plan.AddKernel(std::move(draft), kernel, args, parts * p.window.n * p.window.oh, scratch_bytes,
                 [t](Args& a, const Binder& binder) {
                   a.src = binder.In<int8_t>(t.src);
                   a.dst = binder.Out<int8_t>(t.dst);
                 });
}

kernels::ConvS8Args ConvArgs(const PlanBuilder& plan, const ConvProblem& p, bool scales_below_one) {
  kernels::ConvS8Args args;
  args.ic = p.ic;
  args.oc = p.oc;
  args.groups = p.groups;
  args.scales_below_one = scales_below_one;
  SetQuantization(plan, p, args);
  return args;
}

kernels::DwConvS8Args DwConvArgs(const PlanBuilder& plan, const ConvProblem& p, bool scales_below_one) {
  kernels::DwConvS8Args args;
  args.c = p.ic;
  args.c_padded = kernels::PaddedDepthwiseChannels(p.ic);
  args.scales_below_one = scales_below_one;
  SetQuantization(plan, p, args);
  return args;
}

bool ScalesBelowOne(const PlanBuilder& plan, const ConvTensors& t, int channels) {
  return kernels::ScalesBelowOne(channels, RequantizeScales(plan, t.src, t.wei, t.dst, channels).data());
}

}  // namespace

kernels::ConvS8Args DescribeConvS8(const PlanBuilder& plan, const ConvProblem& p) {
  return ConvArgs(plan, p, ScalesBelowOne(plan, p.tensors, p.oc));
}

kernels::DwConvS8Args DescribeDwConvS8(const PlanBuilder& plan, const ConvProblem& p) {
  return DwConvArgs(plan, p, ScalesBelowOne(plan, p.tensors, p.ic));
}

kernels::ConvS8Args PackConvS8(PlanBuilder& plan, const ConvProblem& p, size_t* packed_bytes,
                               const int8_t* wei) {
  const ConvTensors& t = p.tensors;
  const kernels::ConvWeightShape shape{p.oc, p.window.kh, p.window.kw, p.ic / p.groups, p.groups};
  const PackedS8 packed = PackS8(plan, shape, t.src, t.wei, t.bia, t.dst, wei);
  *packed_bytes += packed.bytes;
  kernels::ConvS8Args args = ConvArgs(plan, p, packed.scales_below_one);
  if (p.pad_values != nullptr) {
    int8_t* pad_values = plan.Persist<int8_t>(static_cast<size_t>(p.ic));
    for (int c = 0; c < p.ic; ++c) {
      pad_values[c] =
          static_cast<int8_t>(QuantizeValue(p.pad_values[c], plan.scale(t.src), plan.zero_point(t.src)));
    }
    args.pad_values = pad_values;
  }
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.scale = packed.scale;
  return args;
}

kernels::DwConvS8Args PackDwConvS8(PlanBuilder& plan, const ConvProblem& p, size_t* packed_bytes,
                                   const int8_t* wei) {
  if (wei == nullptr) wei = plan.Constant<int8_t>(p.tensors.wei);
  const ConvTensors& t = p.tensors;
  const int taps = p.window.kh * p.window.kw;
  const std::vector<float> scales = RequantizeScales(plan, t.src, t.wei, t.dst, p.ic);
  kernels::DwConvS8Args args = DwConvArgs(plan, p, kernels::ScalesBelowOne(p.ic, scales.data()));
  const PackedS8 packed = PersistS8(plan, static_cast<size_t>(taps) * args.c_padded, args.c_padded,
                                    [&](int8_t* to, int32_t* to_bia, float* to_scale) {
                                      kernels::PackDepthwiseWeights(taps, p.ic, plan.zero_point(t.src), wei,
                                                                    plan.Constant<int32_t>(t.bia),
                                                                    scales.data(), to, to_bia, to_scale);
                                    });
  *packed_bytes += packed.bytes;
  args.wei = packed.wei;
  args.bia = packed.bia;
  args.scale = packed.scale;
  return args;
}

Status AddConvS8(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  kernels::ConvS8Args args = PackConvS8(plan, p, &draft.info.packed_weight_bytes);
  args.parts = ChannelParts(plan, p, plan.table().conv_packing.oc_block);
  draft.info.candidate = plan.CandidateName("conv2d_s8");
  AddStep(plan, p, plan.table().conv2d_s8, args, args.parts, plan.table().conv2d_s8_scratch_bytes(args),
          std::move(draft));
  return Status::Ok();
}

Status AddDwConvS8(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const kernels::DwConvS8Args args = PackDwConvS8(plan, p, &draft.info.packed_weight_bytes);
  draft.info.candidate = plan.CandidateName("dwconv2d_s8");
  AddStep(plan, p, plan.table().dwconv2d_s8, args, 1, plan.table().dwconv2d_s8_scratch_bytes(args),
          std::move(draft));
  return Status::Ok();
}

}  // namespace qrun
