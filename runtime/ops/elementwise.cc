// Operators on one tensor, value by value: Unary, LookupTable, Quantize, Dequantize, Requantize, and Softmax
// by rows.
#include "kernels/dispatch.h"
#include "kernels/movement.h"
#include "runtime/ops/parts.h"
#include "runtime/quant_math.h"

namespace qrun {
namespace {

// A step from src to dst whose Args have src and dst.
template <class From, class To, class Args>
void AddStep(const OpContext& op, StepDraft draft, void (*kernel)(const Args&, int, int, std::byte*) noexcept,
             const Args& args, int src, int dst, int items) {
  draft.reads.insert(draft.reads.begin(), src);
  draft.writes = {dst};
  draft.in_place = sizeof(From) == sizeof(To);
  op.plan.AddKernel(std::move(draft), kernel, args, items, 0, [src, dst](Args& a, const Binder& binder) {
    a.src = binder.In<From>(src);
    a.dst = binder.Out<To>(dst);
  });
}

// From input 0 to the output.
template <class From, class To, class Args>
void AddStep(const OpContext& op, std::string candidate,
             void (*kernel)(const Args&, int, int, std::byte*) noexcept, const Args& args, int items) {
  AddStep<From, To>(op, op.Draft(std::move(candidate)), kernel, args, op.input(0), op.output(), items);
}

void AddTableStep(const OpContext& op, StepDraft draft, const int8_t* table, int src, int dst) {
  kernels::TableS8Args args;
  args.table = table;
  AddStep<int8_t, int8_t>(op, std::move(draft), op.plan.table().table_s8, args, src, dst,
                          static_cast<int>(op.plan.Elements(dst)));
}

}  // namespace

void AddUnary(const OpContext& op, const fb::Unary& function, int src, int dst, const char* part) {
  kernels::UnaryF32Args args;
  args.op = static_cast<kernels::UnaryOp>(function.kind());
  args.alpha = function.alpha();
  args.beta = function.beta();
  // Only the scalar reference's exp and log are the same everywhere.
  const kernels::KernelTable& table =
      op.plan.reproducible_float() ? *kernels::CompiledTables().back() : op.plan.table();
  AddStep<float, float>(op, op.Draft(Cat("unary_f32/", table.isa), part), table.unary_f32, args, src, dst,
                        static_cast<int>(op.plan.Elements(dst)));
}

void AddLookupTable(const OpContext& op, int table, int src, int dst, const char* part) {
  StepDraft draft = op.Draft(op.plan.CandidateName("table_s8"), part);
  draft.reads = {table};
  AddTableStep(op, std::move(draft), op.plan.Constant<int8_t>(table), src, dst);
}

Status PrepareUnary(const OpContext& op) {
  AddUnary(op, *op.op.options_as_Unary(), op.input(0), op.output());
  return Status::Ok();
}

Status PrepareLookupTable(const OpContext& op) {
  AddLookupTable(op, op.input(1), op.input(0), op.output());
  return Status::Ok();
}

Status PrepareRequantize(const OpContext& op) {
  const int src = op.input(0), dst = op.output();
  int8_t* table = op.plan.Persist<int8_t>(256);
  RequantizeTable(op.plan.scale(src), op.plan.zero_point(src), op.plan.scale(dst), op.plan.zero_point(dst),
                  table);
  AddTableStep(op, op.Draft(op.plan.CandidateName("table_s8")), table, src, dst);
  return Status::Ok();
}

Status PrepareQuantize(const OpContext& op) {
  const int dst = op.output();
  kernels::QuantizeArgs args;
  args.inv_scale = 1.0f / op.plan.scale(dst);
  args.zp = op.plan.zero_point(dst);
  AddStep<float, int8_t>(op, op.plan.CandidateName("quantize_f32_s8"), op.plan.table().quantize_f32_s8, args,
                         static_cast<int>(op.plan.Elements(dst)));
  return Status::Ok();
}

Status PrepareDequantize(const OpContext& op) {
  const int src = op.input(0);
  kernels::DequantizeArgs args;
  args.scale = op.plan.scale(src);
  args.zp = op.plan.zero_point(src);
  AddStep<int8_t, float>(op, op.plan.CandidateName("dequantize_s8_f32"), op.plan.table().dequantize_s8_f32,
                         args, static_cast<int>(op.plan.Elements(src)));
  return Status::Ok();
}

Status PrepareSoftmax(const OpContext& op) {
  const int src = op.input(0);
  kernels::SoftmaxArgs args;
  args.inner = op.plan.Dim(src, -1);
  AddStep<float, float>(op, "softmax_f32", kernels::softmax_f32, args,
                        static_cast<int>(op.plan.Elements(src) / args.inner));
  return Status::Ok();
}

}  // namespace qrun
