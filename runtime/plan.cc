#include "runtime/plan.h"

namespace qrun {
namespace {

// Work below which a second thread is not woken: about 15 microseconds of vector code.
constexpr int64_t kWorkPerTask = 200'000;

}  // namespace

int PlanBuilder::Dim(int index, int axis) const {
  const auto& shape = *tensor(index).shape();
  if (axis < 0) axis += static_cast<int>(shape.size());
  return axis == 0 && !is_constant(index) ? batch_ : shape.Get(axis);
}

bool PlanBuilder::is_model_output(int index) const {
  const auto& outputs = *model_.outputs();
  return std::find(outputs.begin(), outputs.end(), index) != outputs.end();
}

int64_t PlanBuilder::Elements(int index) const {
  int64_t count = 1;
  for (int axis = 0; axis < Rank(index); ++axis) count *= Dim(index, axis);
  return count;
}

size_t PlanBuilder::Bytes(int index) const {
  const fb::DType dtype = tensor(index).dtype();
  const bool wide = dtype == fb::DType::Float32 || dtype == fb::DType::Int32;
  return static_cast<size_t>(Elements(index)) * (wide ? 4 : 1);
}

int PlanBuilder::zero_point(int index) const {
  const auto* zero_points = tensor(index).quantization()->zero_point();
  return zero_points == nullptr ? 0 : zero_points->Get(0);
}

int PlanBuilder::TaskCount(int items, int64_t work) const {
  const int64_t useful = std::max<int64_t>(1, work / kWorkPerTask);
  return static_cast<int>(std::min<int64_t>({threads_, items, useful}));
}

StepDraft OpContext::Draft(std::string candidate, const char* part) const {
  StepDraft draft;
  draft.info.name = op.name()->str();
  if (part != nullptr) draft.info.name += std::string("/") + part;
  draft.info.kind = fb::EnumNameOptions(op.options_type());
  draft.info.candidate = std::move(candidate);
  draft.info.op_index = index;
  return draft;
}

Status OpContext::Unsupported(const std::string& what) const {
  return Status::Unsupported(Cat("operator '", op.name()->string_view(), "' (",
                                 fb::EnumNameOptions(op.options_type()), "): ", what));
}

Status PrepareOperator(const OpContext& op) {
  switch (op.op.options_type()) {
#define QRUN_OP(name)     \
  case fb::Options::name: \
    return Prepare##name(op);
#include "runtime/op_list.inc"
#undef QRUN_OP
    default:
      return Status::Internal("the verifier let an unknown operator pass");
  }
}

}  // namespace qrun
