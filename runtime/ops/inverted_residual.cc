// InvertedResidual: in int8 as one depth-first step, in float as its parts one after another.
#include <algorithm>
#include <string_view>

#include "runtime/ops/candidates.h"
#include "runtime/ops/conv_problem.h"

namespace qrun {
namespace {

constexpr const char* kExpandFunctionPart = "expand function";
constexpr const char* kDepthwiseFunctionPart = "depthwise function";
constexpr const char* kResidualPart = "residual";

// The filter's results of a whole image have to stay in the second-level cache where threads divide channels.
constexpr size_t kMaxFilteredBytes = size_t{256} << 10;

struct BlockProblem {
  const OpContext& op;
  const fb::InvertedResidual& block;
  int src, dst;

  bool has_expand() const { return block.expand() != nullptr; }
  const fb::PartFunction* expand_function() const { return block.expand_function(); }
  const fb::PartFunction* depthwise_function() const { return block.depthwise_function(); }
  int expand_table() const { return op.input(7); }  // -1: none
  int depthwise_table() const { return op.input(8); }
  // What the part reads.
  int depthwise_src() const {
    if (expand_function() != nullptr) return expand_function()->result();
    return has_expand() ? block.expanded() : src;
  }
  int project_src() const {
    return depthwise_function() != nullptr ? depthwise_function()->result() : block.filtered();
  }
  ConvTensors Expand() const { return {src, op.input(1), op.input(2), block.expanded(), "expand"}; }
  ConvTensors Depthwise() const {
    return {depthwise_src(), op.input(3), op.input(4), block.filtered(), "depthwise"};
  }
  ConvTensors Project() const {
    return {project_src(), op.input(5), op.input(6), block.residual() ? block.projected() : dst, "project"};
  }
};

// True if one thread that writes the block's output over its input, both from the same address, has read
// every byte before it overwrites it. Each image's rows are made in order, and row r after all input rows
// under its window; a residual reads its row later.
bool MayOverwriteSource(const kernels::InvertedResidualS8Args& args) {
  const kernels::Window& e = args.expand.window;
  const kernels::Window& w = args.depthwise.window;
  const bool pointwise = e.kh == 1 && e.kw == 1 && e.stride_h == 1 && e.stride_w == 1 && e.pad_top == 0 &&
                         e.pad_left == 0 && e.input_dilation_h == 1 && e.input_dilation_w == 1;
  if (!args.has_expand || !pointwise || args.residual) return false;
  const int64_t src_row = int64_t{e.iw} * args.expand.ic, dst_row = int64_t{w.ow} * args.project.oc;
  for (int row = 0; row < w.oh; ++row) {
    const int under = row * w.stride_h - w.pad_top + (w.kh - 1) * w.dilation_h + 1;
    const int read = std::clamp(under, 0, w.ih);
    if ((row + 1) * dst_row > read * src_row) return false;
  }
  return true;
}

// The kernels' arguments; fills the draft's work, parts and tensors.
kernels::InvertedResidualS8Args ReadBlock(PlanBuilder& plan, const BlockProblem& p, StepDraft& draft) {
  kernels::InvertedResidualS8Args args;
  args.has_expand = p.has_expand();
  args.residual = p.block.residual();
  size_t* packed_bytes = &draft.info.packed_weight_bytes;
  const ConvProblem depthwise = ReadDepthwise(plan, *p.block.depthwise(), p.Depthwise());
  const ConvProblem project = ReadConv2D(plan, *p.block.project(), p.Project());
  // A run of stages in the order of InvertedResidualS8Args::Stage: only the first and the last may be absent.
  std::vector<StepInfo::Part>& parts = draft.info.parts;
  if (p.has_expand()) {
    const ConvProblem expand = ReadConv2D(plan, *p.block.expand(), p.Expand());
    parts.push_back({p.Expand().part, expand.Macs(plan)});
    args.expand = PackConvS8(plan, expand, packed_bytes);
  }
  parts.push_back({p.Depthwise().part, depthwise.Macs(plan)});
  parts.push_back({p.Project().part, project.Macs(plan)});
  if (args.residual) parts.push_back({kResidualPart, 0});
  for (const StepInfo::Part& part : parts) draft.info.macs += part.macs;
  if (plan.profile()) {
    const auto ticks = std::make_shared<uint64_t[]>(kernels::InvertedResidualS8Args::kStages);
    args.stage_ticks = ticks.get();
    draft.part_ticks = {ticks,
                        ticks.get() + (p.has_expand() ? 0 : kernels::InvertedResidualS8Args::kDepthwise)};
  }
  args.depthwise = PackDwConvS8(plan, depthwise, packed_bytes);
  args.project = PackConvS8(plan, project, packed_bytes);
  if (args.residual) args.add = AddS8Args(plan, p.block.residual_clamp(), p.block.projected(), p.src, p.dst);
  draft.reads = {p.src};
  for (const auto& [table, arg] : {std::pair(p.expand_table(), &args.expand_table),
                                   std::pair(p.depthwise_table(), &args.depthwise_table)}) {
    if (table < 0) continue;
    *arg = plan.Constant<int8_t>(table);
    draft.reads.push_back(table);
  }
  draft.writes = {p.dst};
  return args;
}

// The channels divided among threads, in steps that wait for one another.
void AddDividedByChannels(PlanBuilder& plan, const BlockProblem& p, kernels::InvertedResidualS8Args args,
                          const kernels::InvertedResidualSplit& split, int tasks, StepDraft draft) {
  const kernels::KernelTable& table = plan.table();
  const size_t stride = AlignUp(split.filter_scratch_bytes), filtered_bytes = AlignUp(split.filtered_bytes);
  draft.info.candidate = plan.CandidateName("inverted_residual_channels_s8");
  draft.info.scratch_bytes = draft.scratch_bytes = filtered_bytes + stride * static_cast<size_t>(tasks);
  kernels::BinaryS8Args add = args.add;
  add.outer = args.project.window.oh;
  add.inner = add.b_outer_stride = int64_t{args.project.window.ow} * args.project.oc;
  draft.bind = [=, &table, src = p.src, dst = p.dst](const Binder& binder) -> BoundStep {
    kernels::InvertedResidualS8Args bound = args;
    kernels::BinaryS8Args bound_add = add;
    bound.src = bound_add.b = binder.In<int8_t>(src);
    bound.dst = binder.Out<int8_t>(dst);
    bound_add.a = bound_add.dst = bound.dst;
    bound.filtered = binder.scratch();
    std::byte* const scratch = binder.scratch() + filtered_bytes;
    return [=, &table](const RunContext& context) {
      RunDivided(context.executor, table.inverted_residual_filter_s8, bound, split.filter_items, tasks,
                 scratch, stride);
      RunDivided(context.executor, table.inverted_residual_project_s8, bound, split.project_items, tasks,
                 nullptr, 0);
      if (!bound.residual) return;
      RunDivided(context.executor, table.add_s8, bound_add, static_cast<int>(bound_add.outer), tasks, nullptr,
                 0);
    };
  };
  plan.Add(std::move(draft));
}

// True if threads had better divide the rows of a block than its channels. By rows each reads all weights,
// and expands the rows under two of them again. By channels nothing is repeated, but each reads the whole
// source and, for the projection, the filter's results, most of which lie in the caches of other cores. Early
// blocks have few weights and many pixels. On two cores (Zen 5) blocks with five times as many bytes of
// pixels as of weights and more are faster by rows or tie; below three times they tie or are faster by
// channels.
bool RowsDivideBetter(const PlanBuilder& plan, const BlockProblem& p,
                      const kernels::InvertedResidualS8Args& args, size_t filtered_bytes,
                      size_t weight_bytes) {
  if (filtered_bytes > kMaxFilteredBytes) return true;
  const kernels::Window& w = args.depthwise.window;
  const int shared_rows = (std::min(plan.threads(), w.oh) - 1) * std::max(w.kh - w.stride_h, 0);
  if (args.has_expand && shared_rows * 8 > w.ih) return false;
  return plan.Bytes(p.src) + filtered_bytes >= 4 * weight_bytes;
}

// Many channels of few pixels on instruction sets without products of bytes: the expanded tensor fits in the
// first cache anyway, and a convolution by itself takes more pixels in each pass over the weights. With 512
// bits that pays where the pixels fill two tiles.
bool HasFewPixels(const PlanBuilder& plan, const ConvProblem& depthwise) {
  constexpr int kChannelsPerPixel = 16;
  constexpr int kTwoTiles = 28;
  const std::string_view isa = plan.table().isa;
  const int64_t pixels = int64_t{depthwise.window.oh} * depthwise.window.ow;
  return depthwise.oc >= kChannelsPerPixel * pixels &&
         (isa == "avx2" || isa == "sse4_1" || (isa == "avx512" && pixels >= kTwoTiles));
}

// Blocks that run in the general form are no faster than their parts: up to 5 % slower on one thread, and
// more on several, which expand the rows under two of them twice. But parts store the expanded tensor and the
// filter's results. Up to twice the block's scratch, that is about 14x14 pixels on one thread, that is no
// matter, and often less than the scratch; beyond, the arena would grow by half for a few per cent of one
// block.
bool IsGeneralAndSmall(const PlanBuilder& plan, const BlockProblem& p, const ConvProblem& depthwise) {
  const ConvProblem project = ReadConv2D(plan, *p.block.project(), p.Project());
  int64_t macs = depthwise.Macs(plan) + project.Macs(plan);
  size_t stored_bytes = plan.Bytes(p.block.filtered());
  kernels::InvertedResidualS8Args args;
  args.has_expand = p.has_expand();
  if (p.has_expand()) {
    const ConvProblem expand = ReadConv2D(plan, *p.block.expand(), p.Expand());
    args.expand = DescribeConvS8(plan, expand);
    macs += expand.Macs(plan);
    stored_bytes += plan.Bytes(p.block.expanded());
  }
  args.depthwise = DescribeDwConvS8(plan, depthwise);
  args.project = DescribeConvS8(plan, project);
  if (!plan.table().inverted_residual_s8_is_general(args)) return false;
  const int tasks = plan.TaskCount(depthwise.window.n * depthwise.window.oh, macs);
  return stored_bytes <= 2 * tasks * plan.table().inverted_residual_s8_scratch_bytes(args);
}

// Why the parts had better run one after another, or null: rules by what measures faster (kernels/tuning.md,
// which bench/tuning.sh makes). Where they tie, fused needs less memory.
const char* WhyParts(const PlanBuilder& plan, const BlockProblem& p) {
  const ConvProblem depthwise = ReadDepthwise(plan, *p.block.depthwise(), p.Depthwise());
  if (HasFewPixels(plan, depthwise)) {
    return "its parts measure faster for so many channels of so few pixels";
  }
  if (IsGeneralAndSmall(plan, p, depthwise)) {
    return "its parts measure faster for such a filter on this instruction set, and are small";
  }
  return nullptr;
}

Status AddDepthFirst(PlanBuilder& plan, const BlockProblem& p, StepDraft draft) {
  if (!plan.is_int8(p.src)) return Status::Unsupported("int8 only");
  if (plan.prefers_by_rule()) {
    if (const char* why = WhyParts(plan, p)) return Status::Unsupported(why);
  }
  const kernels::InvertedResidualS8Args args = ReadBlock(plan, p, draft);
  const kernels::InvertedResidualSplit split = plan.table().inverted_residual_s8_split(args);
  const int tasks = plan.TaskCount(split.filter_items, draft.info.macs);
  if (tasks > 1 && !RowsDivideBetter(plan, p, args, split.filtered_bytes, draft.info.packed_weight_bytes)) {
    AddDividedByChannels(plan, p, args, split, tasks, std::move(draft));
    return Status::Ok();
  }
  draft.info.candidate = plan.CandidateName("inverted_residual_s8");
  draft.overwrites = plan.threads() == 1 && MayOverwriteSource(args);
  plan.AddKernel(std::move(draft), plan.table().inverted_residual_s8, args,
                 args.depthwise.window.n * args.depthwise.window.oh,
                 plan.table().inverted_residual_s8_scratch_bytes(args),
                 [src = p.src, dst = p.dst](kernels::InvertedResidualS8Args& a, const Binder& binder) {
                   a.src = binder.In<int8_t>(src);
                   a.dst = binder.Out<int8_t>(dst);
                 });
  return Status::Ok();
}

// In int8 by table.
void AddFunction(const BlockProblem& p, const fb::PartFunction* function, int table, int src,
                 const char* part) {
  if (function == nullptr) return;
  if (table >= 0) return AddLookupTable(p.op, table, src, function->result(), part);
  AddUnary(p.op, *function->function(), src, function->result(), part);
}

// Each part stores its result.
Status AddParts(PlanBuilder&, const BlockProblem& p, StepDraft) {
  if (p.has_expand()) QRUN_RETURN_IF_ERROR(AddConv2D(p.op, *p.block.expand(), p.Expand()));
  AddFunction(p, p.expand_function(), p.expand_table(), p.block.expanded(), kExpandFunctionPart);
  QRUN_RETURN_IF_ERROR(AddDepthwise(p.op, *p.block.depthwise(), p.Depthwise()));
  AddFunction(p, p.depthwise_function(), p.depthwise_table(), p.block.filtered(), kDepthwiseFunctionPart);
  QRUN_RETURN_IF_ERROR(AddConv2D(p.op, *p.block.project(), p.Project()));
  if (!p.block.residual()) return Status::Ok();
  return AddBinary(p.op, fb::BinaryKind::Add, p.block.residual_clamp(), p.block.projected(), p.src, p.dst,
                   kResidualPart);
}

constexpr Candidate<BlockProblem> kCandidates[] = {{"depth_first", AddDepthFirst}, {"parts", AddParts}};

}  // namespace

Status PrepareInvertedResidual(const OpContext& op) {
  const BlockProblem problem{op, *op.op.options_as_InvertedResidual(), op.input(0), op.output()};
  return AddFirst<BlockProblem>(op.plan, problem, kCandidates, op.Draft(""));
}

}  // namespace qrun
