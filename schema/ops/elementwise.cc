// Binary, Unary, LookupTable, Softmax and the type conversions.
#include <cmath>

#include "schema/op_check.h"

namespace qrun::schema {

Status CheckBinary(const OpCheck& check, fb::BinaryKind kind, const fb::Tensor& a, const fb::Tensor& b,
                   const fb::Tensor& dst) {
  if (kind < fb::BinaryKind::MIN || kind > fb::BinaryKind::MAX) return check.Error("unknown kind");
  QRUN_RETURN_IF_ERROR(check.FloatOrInt8(a, "input"));
  QRUN_RETURN_IF_ERROR(check.SameType(a, b));
  QRUN_RETURN_IF_ERROR(check.SameType(a, dst));
  if (!SameShape(a, dst)) {
    return check.Error(Cat("output ", ShapeText(dst), " differs from the first input ", ShapeText(a)));
  }
  bool broadcasts = Rank(a) == Rank(b);
  for (int i = 0; broadcasts && i < Rank(a); ++i) broadcasts = Dim(b, i) == Dim(a, i) || Dim(b, i) == 1;
  if (!broadcasts) return check.Error(Cat(ShapeText(b), " does not broadcast to ", ShapeText(a)));
  if (a.dtype() == fb::DType::Int8) {
    if (kind != fb::BinaryKind::Add && kind != fb::BinaryKind::Sub && kind != fb::BinaryKind::Mul) {
      return check.Error(Cat("kind ", fb::EnumNameBinaryKind(kind), " is float only"));
    }
    const float scale = a.quantization()->scale()->Get(0) / dst.quantization()->scale()->Get(0);
    const float b_scale = b.quantization()->scale()->Get(0) / dst.quantization()->scale()->Get(0);
    const float product =
        static_cast<float>(double{a.quantization()->scale()->Get(0)} * b.quantization()->scale()->Get(0) /
                           dst.quantization()->scale()->Get(0));
    if (!std::isnormal(scale) || !std::isnormal(b_scale) || !std::isnormal(product)) {
      return check.Error("requantisation scale is outside of float's range");
    }
  }
  return check.CheckWork(ElementCount(dst));
}

Status VerifyBinary(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(2, 2));
  const fb::Binary& options = *check.op().options_as_Binary();
  QRUN_RETURN_IF_ERROR(check.CheckClamp(options.clamp()));
  return CheckBinary(check, options.kind(), *check.input(0), *check.input(1), check.output());
}

Status CheckUnary(const OpCheck& check, const fb::Unary& options, const fb::Tensor& src,
                  const fb::Tensor& dst) {
  if (options.kind() < fb::UnaryKind::MIN || options.kind() > fb::UnaryKind::MAX)
    return check.Error("unknown kind");
  if (std::isnan(options.alpha()) || std::isnan(options.beta()))
    return check.Error("alpha or beta is not a number");
  if (src.dtype() != fb::DType::Float32) return check.Error("input must be Float32; int8 uses LookupTable");
  QRUN_RETURN_IF_ERROR(check.SameType(src, dst));
  if (!SameShape(src, dst)) return check.Error("input and output shapes differ");
  return Status::Ok();
}

Status VerifyUnary(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  return CheckUnary(check, *check.op().options_as_Unary(), *check.input(0), check.output());
}

Status CheckLookupTable(const OpCheck& check, const fb::Tensor& src, const fb::Tensor& table,
                        const fb::Tensor& dst) {
  if (!IsConstant(table) || table.dtype() != fb::DType::Int8 || ElementCount(table) != 256) {
    return check.Error("the table must be a constant of 256 Int8 values");
  }
  if (src.dtype() != fb::DType::Int8 || dst.dtype() != fb::DType::Int8) {
    return check.Error("input and output must be Int8");
  }
  if (!SameShape(src, dst)) return check.Error("input and output shapes differ");
  return Status::Ok();
}

Status VerifyLookupTable(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(2, 2));
  return CheckLookupTable(check, *check.input(0), *check.input(1), check.output());
}

Status VerifySoftmax(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  if (check.input(0)->dtype() != fb::DType::Float32) return check.Error("input must be Float32");
  QRUN_RETURN_IF_ERROR(check.SameType(*check.input(0), check.output()));
  if (!SameShape(*check.input(0), check.output())) return check.Error("input and output shapes differ");
  return Status::Ok();
}

namespace {

Status CheckConversion(const OpCheck& check, fb::DType from, fb::DType to) {
  QRUN_RETURN_IF_ERROR(check.Arity(1, 1));
  if (check.input(0)->dtype() != from || check.output().dtype() != to) {
    return check.Error(Cat("converts ", fb::EnumNameDType(check.input(0)->dtype()), " to ",
                           fb::EnumNameDType(check.output().dtype()), ", expected ", fb::EnumNameDType(from),
                           " to ", fb::EnumNameDType(to)));
  }
  if (!SameShape(*check.input(0), check.output())) return check.Error("input and output shapes differ");
  return Status::Ok();
}

}  // namespace

Status VerifyQuantize(const OpCheck& check) {
  return CheckConversion(check, fb::DType::Float32, fb::DType::Int8);
}
Status VerifyDequantize(const OpCheck& check) {
  return CheckConversion(check, fb::DType::Int8, fb::DType::Float32);
}
Status VerifyRequantize(const OpCheck& check) {
  return CheckConversion(check, fb::DType::Int8, fb::DType::Int8);
}

}  // namespace qrun::schema
