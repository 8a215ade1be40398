#include "converter/evaluate_constant.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "converter/unary_function.h"

namespace qrun::converter {
namespace {

using Bytes = std::vector<std::byte>;

std::vector<int64_t> RowMajorStrides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

// dst[i] = src[origin + sum(index[axis] * step[axis])] for every index of `shape` in row-major order.
void Gather(const Bytes& src, size_t element_bytes, const Shape& shape, int64_t origin,
            const std::vector<int64_t>& step, Bytes& dst) {
  Shape index(shape.size());
  int64_t at = origin;
  for (size_t out = 0; out < dst.size(); out += element_bytes) {
    std::memcpy(&dst[out], &src[at * element_bytes], element_bytes);
    for (size_t axis = shape.size(); axis-- > 0;) {
      at += step[axis];
      if (++index[axis] < shape[axis]) break;
      at -= step[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

Value Like(const Value& value, Shape shape) {
  Value out;
  out.name = value.name;
  out.type = value.type;
  out.shape = std::move(shape);
  return out;
}

void SetData(Value& value, Bytes bytes) { value.data = std::make_shared<const Bytes>(std::move(bytes)); }

Value Gathered(const Value& value, const Shape& shape, int64_t origin, const std::vector<int64_t>& step) {
  Value out = Like(value, shape);
  Bytes bytes(ElementCount(shape) * ElementBytes(value.type));
  Gather(*value.data, ElementBytes(value.type), shape, origin, step, bytes);
  SetData(out, std::move(bytes));
  return out;
}

// Steps that repeat an input of `shape` over `out_shape`.
std::vector<int64_t> BroadcastSteps(const Shape& shape, const Shape& out_shape) {
  std::vector<int64_t> steps = RowMajorStrides(shape);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != out_shape[i]) steps[i] = 0;
  }
  return steps;
}

template <class T>
std::span<T> As(Bytes& bytes) {
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}
template <class T>
std::span<const T> As(const Bytes& bytes) {
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

float Apply(fb::BinaryKind kind, float a, float b) {
  switch (kind) {
    case fb::BinaryKind::Add:
      return a + b;
    case fb::BinaryKind::Sub:
      return a - b;
    case fb::BinaryKind::Mul:
      return a * b;
    case fb::BinaryKind::Div:
      return a / b;
    case fb::BinaryKind::Min:
      return std::min(a, b);
    case fb::BinaryKind::Max:
      return std::max(a, b);
  }
  return 0;
}

// Unsigned arithmetic wraps where signed would be undefined. b != 0 for Div.
int64_t Apply(fb::BinaryKind kind, int64_t a, int64_t b) {
  const uint64_t ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (kind) {
    case fb::BinaryKind::Add:
      return static_cast<int64_t>(ua + ub);
    case fb::BinaryKind::Sub:
      return static_cast<int64_t>(ua - ub);
    case fb::BinaryKind::Mul:
      return static_cast<int64_t>(ua * ub);
    case fb::BinaryKind::Div:
      return b == -1 ? static_cast<int64_t>(0 - ua) : a / b;
    case fb::BinaryKind::Min:
      return std::min(a, b);
    case fb::BinaryKind::Max:
      return std::max(a, b);
  }
  return 0;
}

template <class T>
Result<Value> BinaryOf(const fb::BinaryT& op, const Value& a, const Value& b, const Shape& shape) {
  const Value wide_b = BroadcastConstant(b, shape);
  Value out = Like(a, shape);
  Bytes bytes(a.data->size());
  const auto as = As<T>(*a.data), bs = As<T>(*wide_b.data);
  const auto dst = As<T>(bytes);
  for (size_t i = 0; i < dst.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      if (op.kind == fb::BinaryKind::Div && bs[i] == 0)
        return Status::InvalidModel("integer division by zero");
      dst[i] = static_cast<T>(Apply(op.kind, int64_t{as[i]}, int64_t{bs[i]}));
    } else {
      dst[i] = Apply(op.kind, as[i], bs[i]);
      if (op.clamp) dst[i] = std::clamp(dst[i], op.clamp->min(), op.clamp->max());
    }
  }
  SetData(out, std::move(bytes));
  return out;
}

using Values = std::vector<const Value*>;

Result<Value> Evaluate(const fb::BinaryT& op, const Values& in, const Shape& shape) {
  if (in[0]->type == in[1]->type) {
    if (in[0]->type == ElementType::kFloat32) return BinaryOf<float>(op, *in[0], *in[1], shape);
    if (in[0]->type == ElementType::kInt64) return BinaryOf<int64_t>(op, *in[0], *in[1], shape);
    if (in[0]->type == ElementType::kInt32) return BinaryOf<int32_t>(op, *in[0], *in[1], shape);
  }
  return Status::Unsupported("arithmetic on constants of this type");
}

Result<Value> Evaluate(const fb::UnaryT& op, const Values& in, const Shape& shape) {
  const Value& src = *in[0];
  if (src.type == ElementType::kFloat32) {
    std::vector<float> out(Floats(src).begin(), Floats(src).end());
    for (float& x : out) x = static_cast<float>(UnaryFunction(op, x));
    return FloatConstant(src.name, shape, out);
  }
  if (src.type == ElementType::kInt64 && (op.kind == fb::UnaryKind::Neg || op.kind == fb::UnaryKind::Abs)) {
    std::vector<int64_t> out = Integers(src);
    for (int64_t& x : out) {
      if (x < 0 || op.kind == fb::UnaryKind::Neg) x = static_cast<int64_t>(0 - static_cast<uint64_t>(x));
    }
    return Int64Constant(src.name, shape, out);
  }
  return Status::Unsupported("a function of constants of this type");
}

Result<Value> Evaluate(const fb::ConcatT& op, const Values& in, const Shape& shape) {
  Value out = Like(*in[0], shape);
  const size_t element_bytes = ElementBytes(out.type);
  Bytes bytes;
  bytes.reserve(ElementCount(shape) * element_bytes);
  int64_t outer = 1;
  for (int i = 0; i < op.axis; ++i) outer *= shape[i];
  for (int64_t row = 0; row < outer; ++row) {
    for (const Value* value : in) {
      if (value->type != out.type) return Status::InvalidModel("concatenates constants of different types");
      const size_t run = value->data->size() / outer;
      bytes.insert(bytes.end(), value->data->begin() + row * run, value->data->begin() + (row + 1) * run);
    }
  }
  SetData(out, std::move(bytes));
  return out;
}

Result<Value> Evaluate(const fb::SliceT& op, const Values& in, const Shape& shape) {
  std::vector<int64_t> step = RowMajorStrides(in[0]->shape);
  int64_t origin = 0;
  for (size_t i = 0; i < step.size(); ++i) {
    origin += step[i] * op.begin[i];
    step[i] *= op.stride[i];
  }
  return Gathered(*in[0], shape, origin, step);
}

Result<Value> Evaluate(const fb::ReshapeT&, const Values& in, const Shape& shape) {
  return ReshapedConstant(*in[0], shape);
}

Result<Value> Evaluate(const fb::TransposeT& op, const Values& in, const Shape&) {
  return TransposedConstant(*in[0], op.perm);
}

Result<Value> Evaluate(const Identity&, const Values& in, const Shape&) { return *in[0]; }

Result<Value> Evaluate(const Erf&, const Values& in, const Shape& shape) {
  if (in[0]->type != ElementType::kFloat32) return Status::Unsupported("Erf of integers");
  std::vector<float> out(Floats(*in[0]).begin(), Floats(*in[0]).end());
  for (float& x : out) x = std::erf(x);
  return FloatConstant(in[0]->name, shape, out);
}

template <class Other>
Result<Value> Evaluate(const Other&, const Values&, const Shape&) {
  return Status::Unsupported("reads constants only, which this operator cannot be evaluated on");
}

template <class T>
std::vector<int64_t> Widen(const Bytes& bytes) {
  const auto src = As<T>(bytes);
  return {src.begin(), src.end()};
}

}  // namespace

std::vector<int64_t> Integers(const Value& value) {
  switch (value.type) {
    case ElementType::kInt64:
      return Widen<int64_t>(*value.data);
    case ElementType::kInt32:
      return Widen<int32_t>(*value.data);
    case ElementType::kInt8:
      return Widen<int8_t>(*value.data);
    case ElementType::kUInt8:
    case ElementType::kBool:
      return Widen<uint8_t>(*value.data);
    case ElementType::kFloat32:
      break;
  }
  return {};
}

Result<Value> EvaluateConstant(const Node& node, const std::vector<const Value*>& inputs,
                               const Shape& out_shape) {
  return std::visit([&](const auto& op) { return Evaluate(op, inputs, out_shape); }, node.options);
}

Value TransposedConstant(const Value& value, const std::vector<int>& perm) {
  const std::vector<int64_t> strides = RowMajorStrides(value.shape);
  Shape shape;
  std::vector<int64_t> step;
  for (int axis : perm) {
    shape.push_back(value.shape[axis]);
    step.push_back(strides[axis]);
  }
  return Gathered(value, shape, 0, step);
}

Value BroadcastConstant(const Value& value, const Shape& shape) {
  return Gathered(value, shape, 0, BroadcastSteps(value.shape, shape));
}

Value ReshapedConstant(const Value& value, Shape shape) {
  Value out = value;
  out.shape = std::move(shape);
  return out;
}

}  // namespace qrun::converter
