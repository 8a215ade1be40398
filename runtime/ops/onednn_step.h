// A step that runs one oneDNN kernel.
#ifndef QRUN_RUNTIME_OPS_ONEDNN_STEP_H_
#define QRUN_RUNTIME_OPS_ONEDNN_STEP_H_

#include <memory>

#include "kernels/onednn/seam.h"
#include "runtime/plan.h"

namespace qrun {

inline void AddOnednnStep(PlanBuilder& plan, std::unique_ptr<kernels::OnednnKernel> made, int src, int dst,
                          StepDraft draft) {
  std::shared_ptr<kernels::OnednnKernel> kernel = std::move(made);
  plan.KeepAlive(kernel);
  plan.NoteLibraryStep();
  draft.reads = {src};
  draft.writes = {dst};
  draft.scratch_bytes = draft.info.scratch_bytes = kernel->scratch_bytes();
  draft.info.candidate = "onednn/" + kernel->implementation();
  draft.info.packed_weight_bytes = kernel->packed_weight_bytes();
  plan.CountPackedBytes(kernel->packed_weight_bytes());
  draft.bind = [kernel = kernel.get(), src, dst](const Binder& binder) -> BoundStep {
    kernel->Bind(binder.In<float>(src), binder.Out<float>(dst), binder.scratch());
    return [kernel](const RunContext&) { kernel->Run(); };
  };
  plan.Add(std::move(draft));
}

}  // namespace qrun

#endif  // QRUN_RUNTIME_OPS_ONEDNN_STEP_H_
