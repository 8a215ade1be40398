#include "converter/npy_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace qrun::converter {
namespace {

template <class T>
void WidenElements(const std::byte* src, std::span<float> dst) {
  for (size_t i = 0; i < dst.size(); ++i) {
    T element;
    std::memcpy(&element, src + i * sizeof(T), sizeof(T));
    dst[i] = static_cast<float>(element);
  }
}

size_t BytesPerElement(const NpyArray& array) { return static_cast<size_t>(array.dtype[1] - '0'); }

void RowAsFloats(const NpyArray& array, size_t row, std::span<float> dst) {
  const std::byte* src = array.data.data() + row * dst.size() * BytesPerElement(array);
  if (array.dtype == "f4") WidenElements<float>(src, dst);
  if (array.dtype == "i1") WidenElements<int8_t>(src, dst);
  if (array.dtype == "u1") WidenElements<uint8_t>(src, dst);
  if (array.dtype == "i4") WidenElements<int32_t>(src, dst);
  if (array.dtype == "i8") WidenElements<int64_t>(src, dst);
}

// The sample's extents with the batch in front, as text: "[N,49,10,1]".
std::string BatchText(const Shape& sample) {
  std::string text = "[N";
  for (int64_t extent : sample) text += "," + std::to_string(extent);
  return text + "]";
}

}  // namespace

Result<std::unique_ptr<CalibrationSource>> NpySource::Open(std::vector<std::vector<std::string>> files,
                                                           std::span<const Value* const> inputs,
                                                           std::optional<image::PreprocessSpec> spec) {
  std::unique_ptr<NpySource> source(new NpySource);
  source->spec_ = std::move(spec);
  for (size_t k = 0; k < inputs.size(); ++k) {
    Input& input = source->inputs_.emplace_back();
    input.shape = inputs[k]->shape;
    size_t samples = 0;
    for (const std::string& path : files[k]) {
      QRUN_RETURN_IF_ERROR(source->AddFile(path, *inputs[k], input));
      samples += input.files.back().count;
    }
    if (k == 0) source->size_ = samples;
    if (samples != source->size_) {
      return Status::InvalidArgument("input '" + inputs[k]->name + "' has " + std::to_string(samples) +
                                     " calibration samples, input '" + inputs[0]->name + "' has " +
                                     std::to_string(source->size_) + "; expected the same number");
    }
  }
  if (source->size_ == 0) {
    return Status::InvalidArgument("'" + files[0][0] + "' holds no sample to calibrate with");
  }
  return std::unique_ptr<CalibrationSource>(std::move(source));
}

Status NpySource::AddFile(const std::string& path, const Value& value, Input& input) {
  QRUN_ASSIGN_OR_RETURN(const auto array, Array(path));
  const Shape nhwc(value.shape.begin() + 1, value.shape.end());
  Shape source_layout = nhwc;
  if (value.source_layout == fb::SourceLayout::Nchw) source_layout = {nhwc[2], nhwc[0], nhwc[1]};

  File file{path, 0, Rows::kAsTheyAre};
  bool fits = !array->shape.empty();
  if (fits) {
    const Shape row(array->shape.begin() + 1, array->shape.end());
    file.count = static_cast<size_t>(array->shape[0]);
    if (array->dtype == "u1" && spec_ && row.size() == 3 && (row[2] == 1 || row[2] == 3)) {
      file.rows = Rows::kImages;
    } else if (row == source_layout) {
      file.rows = value.source_layout == fb::SourceLayout::Nchw ? Rows::kNchw : Rows::kAsTheyAre;
    } else {
      fits = row == nhwc;
    }
  }
  if (!fits) {
    std::string expected = BatchText(source_layout);
    if (source_layout != nhwc) expected += " or " + BatchText(nhwc);
    return Status::InvalidArgument("'" + path + "' has shape " + ShapeString(array->shape) + "; input '" +
                                   value.name + "' expects " + expected);
  }
  input.files.push_back(std::move(file));
  return Status::Ok();
}

Result<std::shared_ptr<const NpyArray>> NpySource::Array(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(cache_.begin(), cache_.end(), [&](const CachedFile& file) { return file.path == path; });
  if (found != cache_.end()) {
    std::rotate(cache_.begin(), found, found + 1);
    return cache_.front().array;
  }
  QRUN_ASSIGN_OR_RETURN(NpyArray array, ReadNpy(path));
  cache_.push_front({path, std::make_shared<const NpyArray>(std::move(array))});
  if (cache_.size() > kCachedFiles) cache_.pop_back();
  return cache_.front().array;
}

std::pair<const NpySource::File*, size_t> NpySource::Find(const Input& input, size_t i) {
  auto file = input.files.begin();
  for (; i >= file->count; ++file) i -= file->count;
  return {&*file, i};
}

std::string NpySource::SampleName(size_t i) const {
  const auto [file, row] = Find(inputs_[0], i);
  return file->path + "[" + std::to_string(row) + "]";
}

Status NpySource::Load(size_t i, std::span<const std::span<float>> inputs) const {
  for (size_t k = 0; k < inputs_.size(); ++k) QRUN_RETURN_IF_ERROR(LoadRow(inputs_[k], i, inputs[k]));
  return Status::Ok();
}

Status NpySource::LoadRow(const Input& input, size_t i, std::span<float> dst) const {
  const auto [file, row] = Find(input, i);
  QRUN_ASSIGN_OR_RETURN(const auto array, Array(file->path));
  switch (file->rows) {
    case Rows::kAsTheyAre:
      RowAsFloats(*array, row, dst);
      break;
    case Rows::kNchw: {
      std::vector<float> chw(dst.size());
      RowAsFloats(*array, row, chw);
      const size_t channels = static_cast<size_t>(input.shape[3]), pixels = chw.size() / channels;
      for (size_t c = 0; c < channels; ++c) {
        for (size_t p = 0; p < pixels; ++p) dst[p * channels + c] = chw[c * pixels + p];
      }
      break;
    }
    case Rows::kImages: {
      image::Image image;
      image.height = static_cast<int>(array->shape[1]);
      image.width = static_cast<int>(array->shape[2]);
      image.channels = static_cast<int>(array->shape[3]);
      const size_t bytes = static_cast<size_t>(array->shape[1] * array->shape[2] * array->shape[3]);
      const auto* begin = reinterpret_cast<const uint8_t*>(array->data.data()) + row * bytes;
      image.pixels.assign(begin, begin + bytes);
      const Result<image::Image> fitted = image::Geometry(image, *spec_);
      if (!fitted.ok()) return fitted.error().Annotate("'" + file->path + "'");
      image::NormalizeF32(*fitted, *spec_, dst.data());
      break;
    }
  }
  return Status::Ok();
}

}  // namespace qrun::converter
