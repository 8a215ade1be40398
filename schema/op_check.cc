#include "schema/op_check.h"

#include <cmath>

#include "schema/verify.h"

namespace qrun::schema {

std::string ShapeText(const fb::Tensor& tensor) {
  std::string text = "[";
  for (int i = 0; i < Rank(tensor); ++i) text += (i ? ", " : "") + std::to_string(Dim(tensor, i));
  return text + "]";
}

int64_t ElementCount(const fb::Tensor& tensor) {
  int64_t count = 1;
  for (int32_t extent : *tensor.shape()) count *= extent;
  return count;
}

bool SameShape(const fb::Tensor& a, const fb::Tensor& b) {
  if (Rank(a) != Rank(b)) return false;
  for (int i = 0; i < Rank(a); ++i) {
    if (Dim(a, i) != Dim(b, i)) return false;
  }
  return true;
}

bool SameQuantization(const fb::Tensor& a, const fb::Tensor& b) {
  if (a.dtype() != fb::DType::Int8) return true;
  const int a_zp = a.quantization()->zero_point() ? a.quantization()->zero_point()->Get(0) : 0;
  const int b_zp = b.quantization()->zero_point() ? b.quantization()->zero_point()->Get(0) : 0;
  return a.quantization()->scale()->Get(0) == b.quantization()->scale()->Get(0) && a_zp == b_zp;
}

const fb::Tensor* OpCheck::input(int i) const {
  if (i >= input_count()) return nullptr;
  const int index = op_.inputs()->Get(i);
  return index < 0 ? nullptr : model_.tensors()->Get(index);
}

const fb::Tensor& OpCheck::output() const { return *model_.tensors()->Get(op_.outputs()->Get(0)); }

Status OpCheck::Error(const std::string& what) const {
  return Status::InvalidModel(Cat("operator '", op_.name()->string_view(), "' (",
                                  fb::EnumNameOptions(op_.options_type()), "): ", what));
}

Status OpCheck::Arity(int min, int max) const {
  if (op_.outputs()->size() != 1) return Error(Cat("has ", op_.outputs()->size(), " outputs, expected 1"));
  if (input_count() < min || input_count() > max) {
    return Error(Cat("has ", input_count(), " inputs, expected ", min, " to ", max));
  }
  for (int i = 0; i < min; ++i) {
    if (input(i) == nullptr) return Error(Cat("input ", i, " is absent but required"));
  }
  return Status::Ok();
}

Status OpCheck::SameElements(const fb::Tensor& a, const fb::Tensor& b) const {
  if (ElementCount(a) == ElementCount(b)) return Status::Ok();
  return Error(Cat("shapes ", ShapeText(a), " and ", ShapeText(b), " hold different numbers of elements"));
}

Status OpCheck::InRange(const char* name, int64_t value, int64_t lo, int64_t hi) const {
  if (value >= lo && value <= hi) return Status::Ok();
  return Error(Cat(name, " is ", value, ", expected ", lo, " to ", hi));
}

Status OpCheck::CheckClamp(const fb::Clamp* clamp) const {
  if (clamp == nullptr || clamp->min() <= clamp->max()) return Status::Ok();
  return Error(Cat("clamp [", clamp->min(), ", ", clamp->max(), "] is empty or not a number"));
}

Status OpCheck::FloatOrInt8(const fb::Tensor& tensor, const char* what) const {
  if (tensor.dtype() == fb::DType::Float32 || tensor.dtype() == fb::DType::Int8) return Status::Ok();
  return Error(Cat(what, " is ", fb::EnumNameDType(tensor.dtype()), ", expected Float32 or Int8"));
}

Status OpCheck::SameType(const fb::Tensor& a, const fb::Tensor& b) const {
  if (a.dtype() == b.dtype()) return Status::Ok();
  return Error(Cat("mixes ", fb::EnumNameDType(a.dtype()), " and ", fb::EnumNameDType(b.dtype())));
}

Status OpCheck::CheckWork(int64_t work) const {
  work_ += work;
  if (work_ <= kMaxOperatorWork) return Status::Ok();
  return Status::ResourceLimit(
      Error(Cat("asks for ", work_, " steps of work, the limit is ", kMaxOperatorWork)).message());
}

int64_t WindowExtent(int64_t in, int64_t input_dilation, int64_t kernel, int64_t dilation, int64_t stride,
                     int64_t pad_before, int64_t pad_after) {
  const int64_t dilated = (in - 1) * input_dilation + 1;
  const int64_t room = dilated + pad_before + pad_after - ((kernel - 1) * dilation + 1);
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace qrun::schema
