#include "converter/import/tensor.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace qrun::converter {
namespace {

using onnx::TensorProto;

float HalfToFloat(uint16_t half) {
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  const float sign = half & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

float Bfloat16ToFloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

size_t RawElementBytes(int onnx_type) {
  switch (onnx_type) {
    case TensorProto::DOUBLE:
    case TensorProto::INT64:
    case TensorProto::UINT64:
      return 8;
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32:
      return 4;
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::INT16:
    case TensorProto::UINT16:
      return 2;
    default:
      return 1;
  }
}

// Reads little-endian elements of type Src as Dst; the host is little-endian.
template <class Src, class Dst, class Convert>
void Convert1(std::string_view raw, std::vector<std::byte>& dst, Convert convert) {
  dst.resize(raw.size() / sizeof(Src) * sizeof(Dst));
  for (size_t i = 0; i < raw.size() / sizeof(Src); ++i) {
    Src src;
    std::memcpy(&src, raw.data() + i * sizeof(Src), sizeof(Src));
    const Dst value = convert(src);
    std::memcpy(dst.data() + i * sizeof(Dst), &value, sizeof(Dst));
  }
}

template <class Src, class Dst>
void Widen(std::string_view raw, std::vector<std::byte>& dst) {
  Convert1<Src, Dst>(raw, dst, [](Src x) { return static_cast<Dst>(x); });
}

std::vector<std::byte> FromRaw(int onnx_type, std::string_view raw) {
  std::vector<std::byte> bytes;
  switch (onnx_type) {
    case TensorProto::FLOAT16:
      Convert1<uint16_t, float>(raw, bytes, HalfToFloat);
      break;
    case TensorProto::BFLOAT16:
      Convert1<uint16_t, float>(raw, bytes, Bfloat16ToFloat);
      break;
    case TensorProto::DOUBLE:
      Widen<double, float>(raw, bytes);
      break;
    case TensorProto::INT16:
      Widen<int16_t, int64_t>(raw, bytes);
      break;
    case TensorProto::UINT16:
      Widen<uint16_t, int64_t>(raw, bytes);
      break;
    case TensorProto::UINT32:
      Widen<uint32_t, int64_t>(raw, bytes);
      break;
    case TensorProto::UINT64:
      Widen<uint64_t, int64_t>(raw, bytes);
      break;
    default:
      Widen<char, char>(raw, bytes);
  }
  return bytes;
}

template <class Src, class Field>
std::string Narrow(const Field& field) {
  std::string raw(field.size() * sizeof(Src), '\0');
  for (int i = 0; i < field.size(); ++i) {
    const Src value = static_cast<Src>(field.Get(i));
    std::memcpy(raw.data() + i * sizeof(Src), &value, sizeof(Src));
  }
  return raw;
}

// The typed fields in the form of raw bytes.
std::string TypedFields(const TensorProto& tensor) {
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return Narrow<float>(tensor.float_data());
    case TensorProto::DOUBLE:
      return Narrow<double>(tensor.double_data());
    case TensorProto::INT64:
      return Narrow<int64_t>(tensor.int64_data());
    case TensorProto::UINT32:
      return Narrow<uint32_t>(tensor.uint64_data());
    case TensorProto::UINT64:
      return Narrow<uint64_t>(tensor.uint64_data());
    case TensorProto::INT32:
      return Narrow<int32_t>(tensor.int32_data());
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::UINT16:
    case TensorProto::INT16:
      return Narrow<uint16_t>(tensor.int32_data());
    default:
      return Narrow<uint8_t>(tensor.int32_data());
  }
}

Result<uint64_t> ParseCount(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return Status::InvalidModel(fmt::format("'{}' is not a count", text));
}

Result<std::string> ReadExternal(const TensorProto& tensor, const std::string& directory,
                                 uint64_t expected_bytes) {
  std::string location;
  uint64_t offset = 0;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") {
      QRUN_ASSIGN_OR_RETURN(offset, ParseCount(entry.value()));
    }
    if (entry.key() == "length") {
      QRUN_ASSIGN_OR_RETURN(const uint64_t length, ParseCount(entry.value()));
      if (length != expected_bytes) {
        return Status::InvalidModel(
            fmt::format("states {} external bytes, its shape needs {}", length, expected_bytes));
      }
    }
  }
  const std::filesystem::path relative(location);
  bool inside = !location.empty() && relative.is_relative() && location.find('\0') == std::string::npos;
  for (const std::filesystem::path& part : relative) inside = inside && part != "..";
  if (!inside) {
    return Status::InvalidModel(
        fmt::format("keeps its data in '{}'; only files next to the model are read", location));
  }
  if (directory.empty())
    return Status::InvalidModel(fmt::format("keeps its data in another file, '{}'", location));
  const std::filesystem::path path = std::filesystem::path(directory) / relative;
  std::error_code error;
  const uint64_t file_bytes = std::filesystem::file_size(path, error);
  if (error) return Status::Io(fmt::format("cannot open its data file '{}'", path.string()));
  if (offset > file_bytes || expected_bytes > file_bytes - offset) {
    return Status::InvalidModel(fmt::format("needs {} bytes at {} of '{}', which has {}", expected_bytes,
                                            offset, path.string(), file_bytes));
  }
  std::ifstream file(path, std::ios::binary);
  std::string raw(expected_bytes, '\0');
  file.seekg(static_cast<std::streamoff>(offset));
  if (!file.read(raw.data(), static_cast<std::streamsize>(raw.size()))) {
    return Status::Io(fmt::format("cannot read its data file '{}'", path.string()));
  }
  return raw;
}

Result<Value> Import(const TensorProto& tensor, const std::string& directory) {
  Value value;
  value.name = tensor.name();
  value.shape.assign(tensor.dims().begin(), tensor.dims().end());
  QRUN_ASSIGN_OR_RETURN(value.type, ElementTypeOf(tensor.data_type()));
  const int64_t count = ElementCount(value.shape);
  if (count < 0) return Status::InvalidModel("has the impossible shape " + ShapeString(value.shape));
  const uint64_t expected_bytes = static_cast<uint64_t>(count) * RawElementBytes(tensor.data_type());

  std::string own;
  std::string_view raw;
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    QRUN_ASSIGN_OR_RETURN(own, ReadExternal(tensor, directory, expected_bytes));
    raw = own;
  } else if (tensor.has_raw_data()) {
    raw = tensor.raw_data();
  } else {
    own = TypedFields(tensor);
    raw = own;
  }
  if (raw.size() != expected_bytes) {
    return Status::InvalidModel(fmt::format("has {} bytes, its shape {} needs {}", raw.size(),
                                            ShapeString(value.shape), expected_bytes));
  }
  value.data = std::make_shared<const std::vector<std::byte>>(FromRaw(tensor.data_type(), raw));
  return value;
}

}  // namespace

Result<ElementType> ElementTypeOf(int onnx_type) {
  switch (onnx_type) {
    case TensorProto::FLOAT:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
    case TensorProto::DOUBLE:
      return ElementType::kFloat32;
    case TensorProto::INT8:
      return ElementType::kInt8;
    case TensorProto::UINT8:
      return ElementType::kUInt8;
    case TensorProto::INT32:
      return ElementType::kInt32;
    case TensorProto::INT16:
    case TensorProto::UINT16:
    case TensorProto::UINT32:
    case TensorProto::INT64:
    case TensorProto::UINT64:
      return ElementType::kInt64;
    case TensorProto::BOOL:
      return ElementType::kBool;
    default:
      return Status::Unsupported(
          fmt::format("has data type {}, which is neither float nor integer", onnx_type));
  }
}

Result<Value> ImportTensor(const TensorProto& tensor, const std::string& directory) {
  Result<Value> value = Import(tensor, directory);
  if (value.ok()) return value;
  return value.error().Annotate(fmt::format("tensor '{}'", tensor.name()));
}

}  // namespace qrun::converter
