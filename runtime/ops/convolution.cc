// Conv2D and DepthwiseConv2D: int8 on our kernels; float on oneDNN where it is built in and takes the shape,
// else ours.
#include "runtime/ops/candidates.h"
#include "runtime/ops/conv_problem.h"

namespace qrun {
namespace {

using Candidates = std::span<const Candidate<ConvProblem>>;
constexpr Candidate<ConvProblem> kConvF32[] = {{"onednn", AddConvOnednn}, {"conv2d_f32", AddConvF32}};
constexpr Candidate<ConvProblem> kTransposedF32[] = {{"conv2d_phases_f32", AddConvPhasesF32},
                                                     {"conv2d_f32", AddConvF32}};
constexpr Candidate<ConvProblem> kDwConvF32[] = {{"onednn", AddConvOnednn}, {"dwconv2d_f32", AddDwConvF32}};
constexpr Candidate<ConvProblem> kConvS8[] = {{"conv2d_s8", AddConvS8}};
constexpr Candidate<ConvProblem> kTransposedS8[] = {{"conv2d_phases_s8", AddConvPhasesS8},
                                                    {"conv2d_s8", AddConvS8}};
constexpr Candidate<ConvProblem> kMultipliedS8[] = {{"dwconv2d_repeated_s8", AddConvRepeatedS8},
                                                    {"conv2d_s8", AddConvS8}};
constexpr Candidate<ConvProblem> kDwConvS8[] = {{"dwconv2d_s8", AddDwConvS8}};

template <class Options>
kernels::Window ReadWindow(const PlanBuilder& plan, const Options& options, const ConvTensors& t, int kh,
                           int kw) {
  kernels::Window window;
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

Status AddConvolution(const OpContext& op, const ConvProblem& problem, Candidates candidates) {
  StepDraft draft = op.Draft("", problem.tensors.part);
  draft.info.macs = problem.Macs(op.plan);
  return AddFirst(op.plan, problem, candidates, std::move(draft));
}

}  // namespace

ConvProblem ReadConv2D(const PlanBuilder& plan, const fb::Conv2D& options, const ConvTensors& t) {
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
  if (options.pad_values() != nullptr) p.pad_values = options.pad_values()->data();
  return p;
}

ConvProblem ReadDepthwise(const PlanBuilder& plan, const fb::DepthwiseConv2D& options, const ConvTensors& t) {
  ConvProblem p;
  p.window = ReadWindow(plan, options, t, plan.Dim(t.wei, 0), plan.Dim(t.wei, 1));
  p.pad_bottom = options.pad_bottom();
  p.pad_right = options.pad_right();
  p.ic = p.oc = p.groups = plan.Dim(t.src, 3);
  p.tensors = t;
  p.clamp = options.clamp();
  return p;
}

// Threads that share rows each read all weights, threads that share channels each gather the whole source:
// the larger one is divided. A few rows rarely come out even, and seldom matter: late layers have more
// weights.
int ChannelParts(const PlanBuilder& plan, const ConvProblem& p, int oc_block) {
  if (p.groups != 1 || plan.Bytes(p.tensors.wei) < plan.Bytes(p.tensors.src)) return 1;
  const int pairs = (p.oc + 2 * oc_block - 1) / (2 * oc_block);  // of blocks, as register tiles take them
  return plan.TaskCount(pairs, p.Macs(plan));
}

Status AddConv2D(const OpContext& op, const fb::Conv2D& options, const ConvTensors& t) {
  const ConvProblem problem = ReadConv2D(op.plan, options, t);
  const bool int8 = op.plan.is_int8(t.src);
  const bool transposed = problem.window.input_dilation_h != 1 || problem.window.input_dilation_w != 1;
  const bool multiplied = problem.groups == problem.ic && problem.oc > problem.ic && problem.ic > 1;
  Candidates candidates = int8 ? Candidates(kConvS8) : Candidates(kConvF32);
  if (transposed) candidates = int8 ? Candidates(kTransposedS8) : Candidates(kTransposedF32);
  if (multiplied && int8 && !transposed) candidates = kMultipliedS8;
  return AddConvolution(op, problem, candidates);
}

Status AddDepthwise(const OpContext& op, const fb::DepthwiseConv2D& options, const ConvTensors& t) {
  return AddConvolution(op, ReadDepthwise(op.plan, options, t),
                        op.plan.is_int8(t.src) ? Candidates(kDwConvS8) : Candidates(kDwConvF32));
}

Status PrepareConv2D(const OpContext& op) {
  return AddConv2D(op, *op.op.options_as_Conv2D(), {op.input(0), op.input(1), op.input(2), op.output()});
}

Status PrepareDepthwiseConv2D(const OpContext& op) {
  return AddDepthwise(op, *op.op.options_as_DepthwiseConv2D(),
                      {op.input(0), op.input(1), op.input(2), op.output()});
}

}  // namespace qrun
