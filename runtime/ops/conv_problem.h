// One convolution as every candidate sees it.
#ifndef QRUN_RUNTIME_OPS_CONV_PROBLEM_H_
#define QRUN_RUNTIME_OPS_CONV_PROBLEM_H_

#include "kernels/args.h"
#include "runtime/ops/parts.h"

namespace qrun {

struct ConvProblem {
  kernels::Window window;
  int pad_bottom = 0, pad_right = 0;
  int ic = 0, oc = 0, groups = 1;
  ConvTensors tensors;
  const fb::Clamp* clamp = nullptr;
  const float* pad_values = nullptr;  // [ic] in the file, or null: zeros

  int64_t Macs(const PlanBuilder& plan) const {
    return int64_t{window.n} * window.oh * window.ow * plan.Elements(tensors.wei);
  }
};

ConvProblem ReadConv2D(const PlanBuilder& plan, const fb::Conv2D& options, const ConvTensors& tensors);
ConvProblem ReadDepthwise(const PlanBuilder& plan, const fb::DepthwiseConv2D& options,
                          const ConvTensors& tensors);

// Kernel arguments without weights, padding values, src and dst: what the kernels' forms and scratch follow
// from.
kernels::ConvS8Args DescribeConvS8(const PlanBuilder& plan, const ConvProblem& problem);
kernels::DwConvS8Args DescribeDwConvS8(const PlanBuilder& plan, const ConvProblem& problem);

// Kernel arguments of convolutions with packed weights; src and dst are still to be bound. Adds the bytes of
// the packed weights to *packed_bytes. `wei`: weights in place of the tensor's, if not null.
kernels::ConvS8Args PackConvS8(PlanBuilder& plan, const ConvProblem& problem, size_t* packed_bytes,
                               const int8_t* wei = nullptr);
kernels::DwConvS8Args PackDwConvS8(PlanBuilder& plan, const ConvProblem& problem, size_t* packed_bytes,
                                   const int8_t* wei = nullptr);
kernels::ConvF32Args PackConvF32(PlanBuilder& plan, const ConvProblem& problem, size_t* packed_bytes,
                                 const float* wei = nullptr);

// How many parts of its channels the threads divide a convolution into on our kernels, each as large as
// `oc_block` channels at least: 1 where rows of the image are the better cut.
int ChannelParts(const PlanBuilder& plan, const ConvProblem& problem, int oc_block);

// The candidates, in the files convolution_f32.cc and convolution_s8.cc, transposed_convolution.cc (phases)
// and depthwise_multiplier.cc (repeated).
Status AddConvOnednn(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);
Status AddConvF32(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);
Status AddDwConvF32(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);
Status AddConvS8(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);
Status AddDwConvS8(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);
Status AddConvPhasesS8(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);
Status AddConvPhasesF32(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);
Status AddConvRepeatedS8(PlanBuilder& plan, const ConvProblem& problem, StepDraft draft);

}  // namespace qrun

#endif  // QRUN_RUNTIME_OPS_CONV_PROBLEM_H_
