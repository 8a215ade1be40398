// Operators on one tensor, value by value: Unary, LookupTable, Quantize, Dequantize, Requantize, and Softmax
// by rows.
#include "kernels/dispatch.h"
#include "kernels/movement.h"
#include "runtime/plan.h"
#include "runtime/quant_math.h"

namespace qrun {
namespace {

// A step from input 0 to the output whose Args have src and dst.
template <class From, class To, class Args>
void AddStep(const OpContext& op, std::string candidate,
             void (*kernel)(const Args&, int, int, std::byte*) noexcept, const Args& args, int items) {
  const int src = op.input(0), dst = op.output();
  StepDraft draft = op.Draft(std::move(candidate));
  draft.reads = {src};
  draft.writes = {dst};
  draft.in_place = sizeof(From) == sizeof(To);
  op.plan.AddKernel(std::move(draft), kernel, args, items, 0, [src, dst](Args& a, const Binder& binder) {
    a.src = binder.In<From>(src);
    a.dst = binder.Out<To>(dst);
  });
}

void AddTable(const OpContext& op, const int8_t* table) {
  kernels::TableS8Args args;
  args.table = table;
  AddStep<int8_t, int8_t>(op, op.plan.CandidateName("table_s8"), op.plan.table().table_s8, args,
                          static_cast<int>(op.plan.Elements(op.output())));
}

}  // namespace

Status PrepareUnary(const OpContext& op) {
  const fb::Unary& options = *op.op.options_as_Unary();
  kernels::UnaryF32Args args;
  args.op = static_cast<kernels::UnaryOp>(options.kind());
  args.alpha = options.alpha();
  args.beta = options.beta();
  // Only the scalar reference's exp and log are the same everywhere.
  const kernels::KernelTable& table =
      op.plan.reproducible_float() ? *kernels::CompiledTables().back() : op.plan.table();
  AddStep<float, float>(op, Cat("unary_f32/", table.isa), table.unary_f32, args,
                        static_cast<int>(op.plan.Elements(op.output())));
  return Status::Ok();
}

Status PrepareLookupTable(const OpContext& op) {
  AddTable(op, op.plan.Constant<int8_t>(op.input(1)));
  return Status::Ok();
}

Status PrepareRequantize(const OpContext& op) {
  const int src = op.input(0), dst = op.output();
  int8_t* table = op.plan.Persist<int8_t>(256);
  RequantizeTable(op.plan.scale(src), op.plan.zero_point(src), op.plan.scale(dst), op.plan.zero_point(dst),
                  table);
  AddTable(op, table);
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
