#include <cstring>
#include <new>

#include "runtime/model_impl.h"
#include "schema/cat.h"
#include "schema/verify.h"

#ifndef QRUN_VERSION
#error "QRUN_VERSION comes from the build"
#endif

namespace qrun {
namespace {

TensorInfo ReadInfo(const fb::Tensor& tensor) {
  TensorInfo info;
  info.name = tensor.name()->str();
  info.extents.assign(tensor.shape()->begin(), tensor.shape()->end());
  info.dtype = static_cast<DType>(tensor.dtype());
  if (tensor.dtype() == fb::DType::Int8) {
    info.scale = tensor.quantization()->scale()->Get(0);
    info.zero_point = tensor.quantization()->zero_point() ? tensor.quantization()->zero_point()->Get(0) : 0;
  }
  if (const auto* offsets = tensor.channel_offset()) {
    info.channel_scale.assign(tensor.channel_scale()->begin(), tensor.channel_scale()->end());
    info.channel_offset.assign(offsets->begin(), offsets->end());
  }
  info.source_is_nchw = tensor.source_layout() == fb::SourceLayout::Nchw;
  return info;
}

std::unique_ptr<Preprocessing> ReadPreprocessing(const fb::Preprocessing* file) {
  if (file == nullptr) return nullptr;
  auto pre = std::make_unique<Preprocessing>();
  pre->rule = static_cast<Preprocessing::Rule>(file->rule());
  pre->resize = file->resize();
  pre->crop_h = file->crop_h();
  pre->crop_w = file->crop_w();
  pre->color = static_cast<Preprocessing::Color>(file->color());
  pre->mean.assign(file->mean()->begin(), file->mean()->end());
  pre->std.assign(file->std()->begin(), file->std()->end());
  if (file->preset() != nullptr) pre->preset = file->preset()->str();
  pre->golden_hash = file->golden_hash();
  return pre;
}

Status ReadModel(std::span<const std::byte> bytes, Model::Impl& impl) {
  QRUN_ASSIGN_OR_RETURN(impl.file, VerifyModel(bytes));
  impl.file_bytes = bytes.size();
  for (int32_t i : *impl.file->inputs()) impl.inputs.push_back(ReadInfo(*impl.file->tensors()->Get(i)));
  for (int32_t i : *impl.file->outputs()) impl.outputs.push_back(ReadInfo(*impl.file->tensors()->Get(i)));
  if (impl.file->labels() != nullptr) {
    for (const auto* label : *impl.file->labels()) impl.labels.push_back(label->str());
  }
  impl.preprocessing = ReadPreprocessing(impl.file->preprocessing());
  return Status::Ok();
}

}  // namespace

int64_t TensorInfo::ElementCount() const {
  int64_t count = 1;
  for (int extent : extents) count *= extent;
  return count;
}

size_t TensorInfo::Bytes() const {
  const bool wide = dtype == DType::kFloat32 || dtype == DType::kInt32;
  return static_cast<size_t>(ElementCount()) * (wide ? 4 : 1);
}

Result<Model> Model::Open(const std::string& path) try {
  QRUN_ASSIGN_OR_RETURN(MappedFile mapping, MappedFile::Open(path));
  auto impl = std::make_shared<Impl>();
  impl->mapping = std::make_unique<MappedFile>(std::move(mapping));
  if (Status status = ReadModel(impl->mapping->bytes(), *impl); !status.ok())
    return status.Annotate("'" + path + "'");
  return Model(std::move(impl));
} catch (const std::bad_alloc&) {
  return Status::ResourceLimit(Cat("'", path, "': not enough memory for its names and labels"));
}

Result<Model> Model::FromBytes(std::span<const std::byte> bytes) try {
  if (bytes.size() > kMaxModelBytes) return Status::ResourceLimit("model bytes exceed the limit of 2 GiB");
  auto impl = std::make_shared<Impl>();
  impl->copy = AlignedBuffer(bytes.size());
  if (!bytes.empty()) std::memcpy(impl->copy.data(), bytes.data(), bytes.size());
  QRUN_RETURN_IF_ERROR(ReadModel({impl->copy.data(), bytes.size()}, *impl));
  return Model(std::move(impl));
} catch (const std::bad_alloc&) {
  return Status::ResourceLimit(Cat("not enough memory for a copy of ", bytes.size(), " bytes"));
}

std::string_view Model::name() const {
  return impl_->file->name() ? impl_->file->name()->string_view() : std::string_view();
}
std::string_view Model::producer() const {
  return impl_->file->producer() ? impl_->file->producer()->string_view() : std::string_view();
}
size_t Model::file_bytes() const { return impl_->file_bytes; }
const std::vector<TensorInfo>& Model::inputs() const { return impl_->inputs; }
const std::vector<TensorInfo>& Model::outputs() const { return impl_->outputs; }
const std::vector<std::string>& Model::labels() const { return impl_->labels; }
const Preprocessing* Model::preprocessing() const { return impl_->preprocessing.get(); }

std::string_view Version() { return QRUN_VERSION; }

}  // namespace qrun
