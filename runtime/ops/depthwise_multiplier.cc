// A depthwise convolution with a channel multiplier (a Conv2D with a group for each input channel) as one
// without, of an input whose channels are repeated.
#include "runtime/ops/conv_problem.h"
#include "runtime/ops/packed_weights.h"

namespace qrun {
namespace {

// Beyond it the copy leaves every cache, and the arena would grow by much.
constexpr int64_t kMaxRepeatedBytes = int64_t{16} << 20;

}  // namespace

Status AddConvRepeatedS8(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const kernels::Window& w = p.window;
  const ConvTensors& t = p.tensors;
  const int multiplier = p.oc / p.ic;
  if (p.pad_values != nullptr) return Status::Unsupported("padding that is not zero");
  if (int64_t{w.n} * w.ih * w.iw * p.oc > kMaxRepeatedBytes) {
    return Status::Unsupported("the input with repeated channels would take too much memory");
  }
  // OHWI with I = 1 -> HWC.
  const size_t taps = static_cast<size_t>(w.kh) * w.kw, channels = static_cast<size_t>(p.oc);
  const int8_t* from = plan.Constant<int8_t>(t.wei);
  std::vector<int8_t> wei(taps * channels);
  for (size_t c = 0; c < channels; ++c) {
    for (size_t tap = 0; tap < taps; ++tap) wei[tap * channels + c] = from[c * taps + tap];
  }
  ConvProblem repeated = p;
  repeated.ic = repeated.groups = p.oc;
  const kernels::DwConvS8Args args =
      PackDwConvS8(plan, repeated, &draft.info.packed_weight_bytes, wei.data());

  kernels::StridedCopyArgs copy;
  copy.axes = 2;
  copy.extent[0] = int64_t{w.n} * w.ih * w.iw * p.ic;
  copy.extent[1] = copy.dst_stride[0] = multiplier;
  copy.src_stride[0] = copy.dst_stride[1] = 1;
  copy.src_stride[1] = 0;
  const int copies = static_cast<int>(copy.extent[0]), rows = w.n * w.oh;
  const size_t copied_bytes = AlignUp(static_cast<size_t>(copy.extent[0] * multiplier));
  const int copy_tasks = plan.TaskCount(copies, copy.extent[0] * multiplier);
  const int tasks = plan.TaskCount(rows, draft.info.macs);
  const size_t stride = AlignUp(plan.table().dwconv2d_s8_scratch_bytes(args));
  draft.info.candidate = plan.CandidateName("dwconv2d_repeated_s8");
  draft.info.scratch_bytes = draft.scratch_bytes = copied_bytes + stride * static_cast<size_t>(tasks);
  draft.reads = {t.src};
  draft.writes = {t.dst};
  draft.bind = [=, &table = plan.table()](const Binder& binder) -> BoundStep {
    kernels::StridedCopyArgs bound_copy = copy;
    kernels::DwConvS8Args bound = args;
    bound_copy.src = binder.In<int8_t>(t.src);
    bound_copy.dst = binder.scratch();
    bound.src = reinterpret_cast<const int8_t*>(binder.scratch());
    bound.dst = binder.Out<int8_t>(t.dst);
    std::byte* const scratch = binder.scratch() + copied_bytes;
    return [=, &table](const RunContext& context) {
      RunDivided(context.executor, table.strided_copy, bound_copy, copies, copy_tasks, nullptr, 0);
      RunDivided(context.executor, table.dwconv2d_s8, bound, rows, tasks, scratch, stride);
    };
  };
  plan.Add(std::move(draft));
  return Status::Ok();
}

}  // namespace qrun
