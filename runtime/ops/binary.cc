// Binary: elementwise operations on two tensors, the second one broadcast.
#include "runtime/ops/parts.h"
#include "runtime/quant_math.h"

namespace qrun {
namespace {

// A broadcast as the kernels take it (outer x inner, see BinaryS8Args), repeated for each of `starts`.
struct Broadcast {
  int64_t outer = 1, inner = 1, b_outer_stride = 0, b_inner_stride = 1;
  struct Start {
    int64_t a, b;
  };
  std::vector<Start> starts;  // element offsets
};

// Splits the axes from the right: the longest run over which b is whole or constant becomes `inner`, the next
// such run `outer`, and what is left is enumerated.
Broadcast PlanBroadcast(const PlanBuilder& plan, int a, int b) {
  const int rank = plan.Rank(a);
  std::vector<int64_t> extent(rank), b_stride(rank);  // stride 0 where b is broadcast
  int64_t stride = 1;
  for (int d = rank - 1; d >= 0; --d) {
    extent[d] = plan.Dim(a, d);
    const int64_t b_extent = plan.Dim(b, d);
    b_stride[d] = b_extent == 1 ? 0 : stride;
    stride *= b_extent;
  }
  Broadcast result;
  int d = rank - 1;
  const auto take_run = [&](int64_t& count, int64_t& run_stride) {
    while (d >= 0 && extent[d] == 1) --d;
    if (d < 0) return;
    const bool whole = b_stride[d] != 0;
    run_stride = b_stride[d];
    for (; d >= 0 && (extent[d] == 1 || (b_stride[d] != 0) == whole); --d) count *= extent[d];
  };
  result.b_inner_stride = 0;
  take_run(result.inner, result.b_inner_stride);
  take_run(result.outer, result.b_outer_stride);

  const int64_t block = result.outer * result.inner;
  result.starts = {{0, 0}};
  int64_t a_stride = block;
  for (; d >= 0; --d) {
    std::vector<Broadcast::Start> next;
    for (int64_t i = 0; i < extent[d]; ++i) {
      for (const auto& start : result.starts)
        next.push_back({start.a + i * a_stride, start.b + i * b_stride[d]});
    }
    result.starts = std::move(next);
    a_stride *= extent[d];
  }
  return result;
}

// One step per start; nearly always there is just one.
template <class Args, class T>
void AddSteps(const OpContext& op, const StepDraft& draft,
              void (*kernel)(const Args&, int, int, std::byte*) noexcept, Args args,
              const Broadcast& broadcast, int a, int b, int dst) {
  args.outer = broadcast.outer;
  args.inner = broadcast.inner;
  args.b_outer_stride = broadcast.b_outer_stride;
  args.b_inner_stride = broadcast.b_inner_stride;
  // A long inner run is cut into pieces so that threads can share it.
  constexpr int64_t kPiece = 4096;
  if (args.outer == 1 && args.inner > kPiece && args.inner % kPiece == 0 && args.b_inner_stride == 1) {
    args.outer = args.inner / kPiece;
    args.inner = kPiece;
    args.b_outer_stride = kPiece;
  }
  for (const auto& start : broadcast.starts) {
    StepDraft step = draft;
    step.reads = {a, b};
    step.writes = {dst};
    step.in_place = broadcast.starts.size() == 1;
    step.info.macs = args.outer * args.inner;
    op.plan.AddKernel(std::move(step), kernel, args, static_cast<int>(args.outer), 0,
                      [=](Args& bound, const Binder& binder) {
                        bound.a = binder.In<T>(a) + start.a;
                        bound.b = binder.In<T>(b) + start.b;
                        bound.dst = binder.Out<T>(dst) + start.a;
                      });
  }
}

}  // namespace

kernels::BinaryS8Args AddS8Args(const PlanBuilder& plan, const fb::Clamp* clamp, int a, int b, int dst) {
  const Int8Bounds bounds = QuantizeClamp(clamp, plan.scale(dst), plan.zero_point(dst));
  kernels::BinaryS8Args args;
  args.a_zp = plan.zero_point(a);
  args.b_zp = plan.zero_point(b);
  args.dst_zp = plan.zero_point(dst);
  args.lo = bounds.lo;
  args.hi = bounds.hi;
  args.a_scale = plan.scale(a) / plan.scale(dst);
  args.b_scale = plan.scale(b) / plan.scale(dst);
  return args;
}

Status AddBinary(const OpContext& op, fb::BinaryKind kind, const fb::Clamp* clamp, int a, int b, int dst,
                 const char* part) {
  PlanBuilder& plan = op.plan;
  const Broadcast broadcast = PlanBroadcast(plan, a, b);
  if (!plan.is_int8(a)) {
    const FloatBounds bounds = ReadClamp(clamp);
    kernels::BinaryF32Args args;
    args.op = static_cast<kernels::BinaryOp>(kind);
    args.lo = bounds.lo;
    args.hi = bounds.hi;
    AddSteps<kernels::BinaryF32Args, float>(op, op.Draft(plan.CandidateName("binary_f32"), part),
                                            plan.table().binary_f32, args, broadcast, a, b, dst);
    return Status::Ok();
  }
  const bool multiply = kind == fb::BinaryKind::Mul;
  kernels::BinaryS8Args args = AddS8Args(plan, clamp, a, b, dst);
  if (multiply) args.a_scale = RequantizeScale(plan.scale(a), plan.scale(b), plan.scale(dst));
  if (kind == fb::BinaryKind::Sub) args.b_scale = -args.b_scale;
  AddSteps<kernels::BinaryS8Args, int8_t>(
      op, op.Draft(plan.CandidateName(multiply ? "mul_s8" : "add_s8"), part),
      multiply ? plan.table().mul_s8 : plan.table().add_s8, args, broadcast, a, b, dst);
  return Status::Ok();
}

Status PrepareBinary(const OpContext& op) {
  const fb::Binary& options = *op.op.options_as_Binary();
  return AddBinary(op, options.kind(), options.clamp(), op.input(0), op.input(1), op.output(), nullptr);
}

}  // namespace qrun
