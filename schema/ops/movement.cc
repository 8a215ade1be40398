// Concat, Slice, Pad, Reshape, Transpose: operators that move values and do not change them.
#include <cmath>

#include "schema/op_check.h"

namespace qrun::schema {
namespace {

Status KeepsQuantization(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.FloatOrInt8(*check.input(0), "input"));
  QRUN_RETURN_IF_ERROR(check.SameType(*check.input(0), check.output()));
  if (!SameQuantization(*check.input(0), check.output())) {
    return check.Error("input and output must share their quantisation");
  }
  return Status::Ok();
}

Status HasRankEntries(const OpCheck& check, const flatbuffers::Vector<int32_t>* list, const char* name) {
  const int rank = Rank(*check.input(0));
  if (list != nullptr && static_cast<int>(list->size()) == rank) return Status::Ok();
  return check.Error(Cat("`", name, "` must have one entry per axis (", rank, ")"));
}

}  // namespace

Status VerifyConcat(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 4096));
  const fb::Tensor& dst = check.output();
  QRUN_RETURN_IF_ERROR(check.FloatOrInt8(dst, "output"));
  const int rank = Rank(dst), axis = check.op().options_as_Concat()->axis();
  QRUN_RETURN_IF_ERROR(check.InRange("axis", axis, 1, rank - 1));
  int64_t total = 0;
  for (int i = 0; i < check.input_count(); ++i) {
    if (check.input(i) == nullptr) return check.Error(Cat("input ", i, " is absent"));
    const fb::Tensor& src = *check.input(i);
    QRUN_RETURN_IF_ERROR(check.SameType(src, dst));
    bool fits = Rank(src) == rank;
    for (int d = 0; fits && d < rank; ++d) fits = d == axis || Dim(src, d) == Dim(dst, d);
    if (!fits)
      return check.Error(Cat("input ", i, " ", ShapeText(src), " does not fit output ", ShapeText(dst)));
    total += Dim(src, axis);
  }
  if (total != Dim(dst, axis)) {
    return check.Error(
        Cat("inputs add up to ", total, " along axis ", axis, ", output has ", Dim(dst, axis)));
  }
  return Status::Ok();
}

Status VerifySlice(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  QRUN_RETURN_IF_ERROR(KeepsQuantization(check));
  const fb::Slice& options = *check.op().options_as_Slice();
  QRUN_RETURN_IF_ERROR(HasRankEntries(check, options.begin(), "begin"));
  QRUN_RETURN_IF_ERROR(HasRankEntries(check, options.stride(), "stride"));
  const fb::Tensor &src = *check.input(0), &dst = check.output();
  if (Rank(dst) != Rank(src)) return check.Error("input and output ranks differ");
  for (int d = 0; d < Rank(src); ++d) {
    const int64_t begin = options.begin()->Get(d), stride = options.stride()->Get(d);
    QRUN_RETURN_IF_ERROR(check.InRange("begin", begin, 0, Dim(src, d) - 1));
    QRUN_RETURN_IF_ERROR(check.InRange("stride", stride, 1, Dim(src, d)));
    if (begin + (int64_t{Dim(dst, d)} - 1) * stride >= Dim(src, d)) {
      return check.Error(Cat("axis ", d, " is read past its end (", Dim(src, d), ")"));
    }
  }
  if (options.begin()->Get(0) != 0 || Dim(dst, 0) != Dim(src, 0))
    return check.Error("the batch cannot be sliced");
  return Status::Ok();
}

Status VerifyPad(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  QRUN_RETURN_IF_ERROR(KeepsQuantization(check));
  const fb::Pad& options = *check.op().options_as_Pad();
  QRUN_RETURN_IF_ERROR(HasRankEntries(check, options.before(), "before"));
  QRUN_RETURN_IF_ERROR(HasRankEntries(check, options.after(), "after"));
  const fb::Tensor &src = *check.input(0), &dst = check.output();
  if (Rank(dst) != Rank(src)) return check.Error("input and output ranks differ");
  for (int d = 0; d < Rank(src); ++d) {
    QRUN_RETURN_IF_ERROR(check.InRange("padding", options.before()->Get(d), 0, d == 0 ? 0 : 16384));
    QRUN_RETURN_IF_ERROR(check.InRange("padding", options.after()->Get(d), 0, d == 0 ? 0 : 16384));
    if (Dim(src, d) + options.before()->Get(d) + options.after()->Get(d) != Dim(dst, d)) {
      return check.Error(Cat("axis ", d, ": ", Dim(src, d), " plus padding is not ", Dim(dst, d)));
    }
  }
  if (std::isnan(options.value())) return check.Error("value is not a number");
  return Status::Ok();
}

Status VerifyReshape(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  QRUN_RETURN_IF_ERROR(KeepsQuantization(check));
  return check.SameElements(*check.input(0), check.output());
}

Status VerifyTranspose(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  QRUN_RETURN_IF_ERROR(KeepsQuantization(check));
  const auto* perm = check.op().options_as_Transpose()->perm();
  QRUN_RETURN_IF_ERROR(HasRankEntries(check, perm, "perm"));
  const fb::Tensor &src = *check.input(0), &dst = check.output();
  if (Rank(dst) != Rank(src)) return check.Error("input and output ranks differ");
  unsigned seen = 0;
  for (int d = 0; d < Rank(src); ++d) {
    QRUN_RETURN_IF_ERROR(check.InRange("perm", perm->Get(d), 0, Rank(src) - 1));
    seen |= 1u << perm->Get(d);
    if (Dim(dst, d) != Dim(src, perm->Get(d)))
      return check.Error("output shape is not the permuted input shape");
  }
  if (seen != (1u << Rank(src)) - 1) return check.Error("`perm` is not a permutation");
  if (perm->Get(0) != 0) return check.Error("the batch axis must stay first");
  return Status::Ok();
}

}  // namespace qrun::schema
