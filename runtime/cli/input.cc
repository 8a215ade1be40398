#include "runtime/cli/input.h"

#include <cstring>
#include <vector>

#include "schema/cat.h"

namespace qrun::cli {
namespace {

template <class Extents>
std::string ShapeText(const Extents& extents) {
  std::string text = "[";
  for (size_t i = 0; i < extents.size(); ++i) text += (i ? ", " : "") + std::to_string(extents[i]);
  return text + "]";
}

// The extents as the source model states them.
std::vector<int64_t> SourceExtents(const TensorInfo& info) {
  std::vector<int64_t> extents(info.extents.begin(), info.extents.end());
  if (info.source_is_nchw) extents = {extents[0], extents[3], extents[1], extents[2]};
  return extents;
}

enum class Fit { kNo, kSame, kNchw };

// How an array's shape fits a tensor; the batch is free. The source's layout goes first where both fit.
Fit FitOf(const TensorInfo& info, const std::vector<int64_t>& shape) {
  const auto fits = [&](const std::vector<int64_t>& extents) {
    if (shape.size() != extents.size() || shape[0] < 1) return false;
    return std::equal(shape.begin() + 1, shape.end(), extents.begin() + 1);
  };
  if (shape.empty()) return Fit::kNo;
  if (info.source_is_nchw && fits(SourceExtents(info))) return Fit::kNchw;
  return fits({info.extents.begin(), info.extents.end()}) ? Fit::kSame : Fit::kNo;
}

// NCHW <-> NHWC of one item, by channel and pixel counts.
template <class T>
void ToNhwc(const T* src, int64_t n, int64_t c, int64_t pixels, T* dst) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < c; ++k) {
      for (int64_t p = 0; p < pixels; ++p) dst[(i * pixels + p) * c + k] = src[(i * c + k) * pixels + p];
    }
  }
}
template <class T>
void ToNchw(const T* src, int64_t n, int64_t c, int64_t pixels, T* dst) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < c; ++k) {
      for (int64_t p = 0; p < pixels; ++p) dst[(i * c + k) * pixels + p] = src[(i * pixels + p) * c + k];
    }
  }
}

template <class T>
std::vector<T> Values(const NpyArray& array) {
  std::vector<T> values(array.data.size() / sizeof(T));
  std::memcpy(values.data(), array.data.data(), array.data.size());
  return values;
}

template <class T>
std::vector<T> InFileLayout(std::vector<T> values, const TensorInfo& info, Fit fit) {
  if (fit != Fit::kNchw) return values;
  std::vector<T> result(values.size());
  const int64_t pixels = int64_t{info.extents[1]} * info.extents[2];
  ToNhwc(values.data(), info.extents[0], info.extents[3], pixels, result.data());
  return result;
}

Status ShapeError(const TensorInfo& info, const NpyArray& array) {
  std::string want = ShapeText(SourceExtents(info));
  if (info.source_is_nchw) want += " or " + ShapeText(info.extents);
  return Status::InvalidArgument(
      Cat("the array has shape ", ShapeText(array.shape), ", input '", info.name, "' takes ", want));
}

}  // namespace

Result<int> BatchOf(const Model& model, int i, const NpyArray& array) {
  const TensorInfo& info = model.inputs()[i];
  if (FitOf(info, array.shape) == Fit::kNo || array.shape[0] > 4096) return ShapeError(info, array);
  return static_cast<int>(array.shape[0]);
}

Status SetArray(Session& session, int i, const NpyArray& array) {
  const TensorInfo& info = session.inputs()[i];
  const Fit fit = FitOf(info, array.shape);
  if (fit == Fit::kNo || array.shape[0] != info.extents[0]) return ShapeError(info, array);
  if (array.dtype == "i1" && info.dtype == DType::kInt8) {
    const auto values = InFileLayout(Values<int8_t>(array), info, fit);
    std::memcpy(session.InputBytes(i).data(), values.data(), values.size());
    return Status::Ok();
  }
  std::vector<float> reals;
  if (array.dtype == "f4") {
    reals = Values<float>(array);
  } else if (array.dtype == "u1") {
    const auto bytes = Values<uint8_t>(array);
    reals.assign(bytes.begin(), bytes.end());
  } else {
    return Status::InvalidArgument(Cat("the array holds '", array.dtype,
                                       "' values, expected f4 (float32), u1 (uint8)",
                                       info.dtype == DType::kInt8 ? " or i1 (int8, already quantised)" : ""));
  }
  return session.SetInput(i, InFileLayout(std::move(reals), info, fit));
}

Result<NpyArray> GetArray(const Session& session, int i, bool raw) {
  const TensorInfo& info = session.outputs()[i];
  NpyArray array;
  array.shape = SourceExtents(info);
  const bool as_bytes = raw && info.dtype == DType::kInt8;
  array.dtype = as_bytes ? "i1" : "f4";
  const size_t count = static_cast<size_t>(info.ElementCount());
  const int64_t pixels = info.source_is_nchw ? int64_t{info.extents[1]} * info.extents[2] : 1;
  if (as_bytes) {
    array.data.resize(count);
    const auto* values = reinterpret_cast<const int8_t*>(session.OutputBytes(i).data());
    if (info.source_is_nchw) {
      ToNchw(values, info.extents[0], info.extents[3], pixels, reinterpret_cast<int8_t*>(array.data.data()));
    } else {
      std::memcpy(array.data.data(), values, count);
    }
    return array;
  }
  std::vector<float> values(count);
  QRUN_RETURN_IF_ERROR(session.GetOutput(i, values));
  array.data.resize(count * sizeof(float));
  std::vector<float> ordered(info.source_is_nchw ? count : 0);
  if (info.source_is_nchw) ToNchw(values.data(), info.extents[0], info.extents[3], pixels, ordered.data());
  std::memcpy(array.data.data(), info.source_is_nchw ? ordered.data() : values.data(), array.data.size());
  return array;
}

}  // namespace qrun::cli
