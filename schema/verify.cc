#include "schema/verify.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "schema/cat.h"
#include "schema/op_check.h"
#include "schema/unfolded.h"

namespace qrun {
namespace {

using schema::OpCheck;

constexpr uint32_t kFormatVersion = 1;

size_t ElementBytes(fb::DType dtype) {
  return dtype == fb::DType::Float32 || dtype == fb::DType::Int32 ? 4 : 1;
}

// Bytes of the file identifier as text for a message; dots for what does not print.
std::string IdentifierText(std::span<const std::byte> bytes) {
  std::string text;
  for (size_t i = 4; i < 8 && i < bytes.size(); ++i) {
    const char c = static_cast<char>(bytes[i]);
    text += c >= 32 && c < 127 ? c : '.';
  }
  return text;
}

Status CheckStructure(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxModelBytes) {
    return Status::ResourceLimit(Cat("file has ", bytes.size(), " bytes, the limit is ", kMaxModelBytes));
  }
  if (bytes.size() < 16) {
    return Status::InvalidModel(Cat("file has ", bytes.size(), " bytes: too short for a .qfb model"));
  }
  if (std::memcmp(bytes.data() + 4, fb::ModelIdentifier(), 4) != 0) {
    return Status::InvalidModel(Cat("not a .qfb model: expected identifier 'QFB1' at byte 4, found '",
                                    IdentifierText(bytes), "'; qconvert makes .qfb files from ONNX models"));
  }
  // Every writer pads to its largest alignment: a file cut inside its padding is a cut file, too.
  if (bytes.size() % sizeof(uint32_t) != 0) {
    return Status::InvalidModel(
        Cat("the file is truncated: ", bytes.size(), " bytes is not a multiple of 4"));
  }
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), 64,
                                 /*max_tables=*/1'000'000);
  if (!fb::VerifyModelBuffer(verifier)) {
    return Status::InvalidModel("the file is truncated or damaged (an offset points outside of it)");
  }
  return Status::Ok();
}

// Tensor by itself: name, shape, buffer, quantisation.
Status CheckTensor(const fb::Model& model, std::span<const std::byte> bytes, int index) {
  const fb::Tensor& tensor = *model.tensors()->Get(index);
  if (tensor.name() == nullptr) return Status::InvalidModel(Cat("tensor ", index, " has no name"));
  const auto error = [&](const std::string& what) {
    return Status::InvalidModel(Cat("tensor ", index, " '", tensor.name()->string_view(), "': ", what));
  };
  if (tensor.shape() == nullptr || tensor.shape()->size() < 1 || tensor.shape()->size() > kMaxRank) {
    return error(Cat("rank must be 1 to ", kMaxRank));
  }
  int64_t elements = 1;
  for (int32_t extent : *tensor.shape()) {
    if (extent < 1) return error(Cat("extent ", extent, " in shape ", schema::ShapeText(tensor)));
    elements *= extent;  // both factors are below 2^31 and elements stays below 2^28: no overflow
    if (elements > kMaxTensorElements) {
      return Status::ResourceLimit(
          error(Cat("shape ", schema::ShapeText(tensor), " has more than ", kMaxTensorElements, " elements"))
              .message());
    }
  }
  if (tensor.dtype() < fb::DType::MIN || tensor.dtype() > fb::DType::MAX)
    return error("unknown element type");
  if (tensor.source_layout() < fb::SourceLayout::MIN || tensor.source_layout() > fb::SourceLayout::MAX) {
    return error("unknown source layout");
  }
  if (tensor.source_layout() == fb::SourceLayout::Nchw && tensor.shape()->size() != 4) {
    return error("source layout NCHW needs rank 4");
  }

  if (tensor.buffer() >= model.buffers()->size())
    return error(Cat("buffer ", tensor.buffer(), " does not exist"));
  if (schema::IsConstant(tensor)) {
    const auto* data = model.buffers()->Get(tensor.buffer())->data();
    const size_t want = static_cast<size_t>(elements) * ElementBytes(tensor.dtype());
    if (data == nullptr || data->size() != want) {
      return error(Cat("buffer has ", data ? data->size() : 0, " bytes, shape ", schema::ShapeText(tensor),
                       " needs ", want));
    }
    const size_t offset = reinterpret_cast<const std::byte*>(data->Data()) - bytes.data();
    if (offset % kBufferAlignment != 0)
      return error(Cat("buffer at byte ", offset, " is not 64-byte aligned"));
    if (tensor.dtype() == fb::DType::Float32) {
      for (size_t i = 0; i < want; i += sizeof(float)) {
        float value;
        std::memcpy(&value, data->Data() + i, sizeof(value));
        if (!std::isfinite(value)) return error(Cat("value ", i / sizeof(float), " is not finite"));
      }
    }
  } else if (tensor.shape()->Get(0) != 1) {
    return error(Cat("activation with batch extent ", tensor.shape()->Get(0), ", expected 1"));
  }

  if (const auto* scales = tensor.channel_scale()) {
    if (static_cast<int>(scales->size()) != tensor.shape()->Get(tensor.shape()->size() - 1)) {
      return error(Cat(scales->size(), " channel scales for ", schema::ShapeText(tensor)));
    }
    for (float scale : *scales) {
      if (!std::isnormal(scale) || scale < 0) {
        return error(Cat("channel scale ", scale, " is not a positive normal number"));
      }
    }
  }

  if (const auto* offsets = tensor.channel_offset()) {
    const auto& inputs = *model.inputs();
    if (tensor.dtype() != fb::DType::Int8 || std::find(inputs.begin(), inputs.end(), index) == inputs.end()) {
      return error("channel offsets are for int8 model inputs");
    }
    if (tensor.channel_scale() == nullptr || offsets->size() != tensor.channel_scale()->size()) {
      return error("channel offsets without as many channel scales");
    }
    for (float offset : *offsets) {
      if (!std::isfinite(offset)) return error(Cat("channel offset ", offset, " is not finite"));
    }
  }

  if (tensor.dtype() != fb::DType::Int8) return Status::Ok();
  const fb::Quantization* quant = tensor.quantization();
  if (quant == nullptr || quant->scale() == nullptr || quant->scale()->size() == 0)
    return error("int8 without a scale");
  const size_t scales = quant->scale()->size();
  if (scales > 1) {
    if (!schema::IsConstant(tensor)) return error("activations have one scale");
    if (quant->axis() < 0 || quant->axis() >= schema::Rank(tensor) ||
        schema::Dim(tensor, quant->axis()) != static_cast<int>(scales)) {
      return error(Cat(scales, " scales do not fit axis ", quant->axis(), " of ", schema::ShapeText(tensor)));
    }
  }
  for (float scale : *quant->scale()) {
    if (!std::isnormal(scale) || scale < 0)
      return error(Cat("scale ", scale, " is not a positive normal number"));
  }
  if (quant->zero_point() != nullptr && quant->zero_point()->size() != 0) {
    if (quant->zero_point()->size() != scales) return error("scales and zero points differ in number");
    for (int32_t zero_point : *quant->zero_point()) {
      if (zero_point < -128 || zero_point > 127)
        return error(Cat("zero point ", zero_point, " is outside int8"));
    }
  } else if (quant->zero_point() != nullptr) {
    return error("an empty zero point list must be left out");
  }
  return Status::Ok();
}

Status CheckPreprocessing(const fb::Model& model) {
  const fb::Preprocessing* pre = model.preprocessing();
  if (pre == nullptr) return Status::Ok();
  const auto error = [](const std::string& what) { return Status::InvalidModel("preprocessing: " + what); };
  if (model.inputs()->size() != 1) return error("a model with image preprocessing has one input");
  const fb::Tensor& input = *model.tensors()->Get(model.inputs()->Get(0));
  if (schema::Rank(input) != 4) return error("the input is not [N, H, W, C]");
  if (pre->rule() < fb::ResizeRule::MIN || pre->rule() > fb::ResizeRule::MAX ||
      pre->color() < fb::ColorOrder::MIN || pre->color() > fb::ColorOrder::MAX) {
    return error("unknown resize rule or colour order");
  }
  if (pre->crop_h() != schema::Dim(input, 1) || pre->crop_w() != schema::Dim(input, 2)) {
    return error(Cat("crop ", pre->crop_h(), "x", pre->crop_w(), " is not the input's size"));
  }
  if (pre->rule() == fb::ResizeRule::ShortSide && (pre->resize() < 1 || pre->resize() > 16384)) {
    return error(Cat("resize is ", pre->resize(), ", expected 1 to 16384"));
  }
  const uint32_t channels = pre->color() == fb::ColorOrder::Gray ? 1 : 3;
  if (static_cast<uint32_t>(schema::Dim(input, 3)) != channels)
    return error("colour order and channel count differ");
  if (!pre->mean() || !pre->std() || pre->mean()->size() != channels || pre->std()->size() != channels) {
    return error(Cat("mean and std must have ", channels, " entries"));
  }
  for (uint32_t c = 0; c < channels; ++c) {
    if (!std::isfinite(pre->mean()->Get(c)) || !std::isnormal(pre->std()->Get(c))) {
      return error("mean must be finite and std a normal number");
    }
  }
  return Status::Ok();
}

using VerifyOp = Status (*)(const OpCheck&);

VerifyOp FindCheck(fb::Options type) {
  switch (type) {
#define QRUN_OP(name)     \
  case fb::Options::name: \
    return schema::Verify##name;
#include "schema/op_list.inc"
#undef QRUN_OP
    default:
      return nullptr;
  }
}

// Where a tensor stands while operators are read in order.
enum class State : uint8_t { kUndefined, kDefined, kInner };

Status CheckOperators(const fb::Model& model) {
  const int tensor_count = static_cast<int>(model.tensors()->size());
  std::vector<State> state(tensor_count, State::kUndefined);
  for (int i = 0; i < tensor_count; ++i) {
    if (schema::IsConstant(*model.tensors()->Get(i))) state[i] = State::kDefined;
  }
  for (int32_t index : *model.inputs()) {
    if (index < 0 || index >= tensor_count)
      return Status::InvalidModel(Cat("model input ", index, " does not exist"));
    if (state[index] == State::kDefined) {
      return Status::InvalidModel(Cat("model input ", index, " is a constant or listed twice"));
    }
    state[index] = State::kDefined;
  }

  int64_t total_work = 0;
  for (uint32_t i = 0; i < model.operators()->size(); ++i) {
    const fb::Operator& op = *model.operators()->Get(i);
    if (op.name() == nullptr || op.inputs() == nullptr || op.outputs() == nullptr ||
        op.options() == nullptr) {
      return Status::InvalidModel(Cat("operator ", i, " lacks a name, inputs, outputs or options"));
    }
    const VerifyOp verify = FindCheck(op.options_type());
    if (verify == nullptr) {
      return Status::Unsupported(Cat("operator ", i, " '", op.name()->string_view(), "' has type ",
                                     static_cast<int>(op.options_type()),
                                     ", which this version does not know: use a newer qrun"));
    }
    const OpCheck check(model, op);
    for (int32_t index : *op.inputs()) {
      if (index < -1 || index >= tensor_count)
        return check.Error(Cat("input tensor ", index, " does not exist"));
      if (index >= 0 && state[index] != State::kDefined) {
        return check.Error(Cat("reads tensor ", index, " before it is written"));
      }
    }
    const auto write = [&](int32_t index, State to) -> Status {
      if (index < 0 || index >= tensor_count)
        return check.Error(Cat("output tensor ", index, " does not exist"));
      if (state[index] != State::kUndefined)
        return check.Error(Cat("writes tensor ", index, " a second time"));
      state[index] = to;
      return Status::Ok();
    };
    for (int32_t index : *op.outputs()) QRUN_RETURN_IF_ERROR(write(index, State::kDefined));
    for (int32_t index : schema::InnerTensors(op)) {
      if (index != -1) QRUN_RETURN_IF_ERROR(write(index, State::kInner));
    }
    QRUN_RETURN_IF_ERROR(verify(check));
    total_work += check.work() + schema::ElementCount(check.output());
    if (total_work > kMaxModelWork) {
      return Status::ResourceLimit(Cat("the model asks for more than ", kMaxModelWork, " steps of work"));
    }
  }
  for (int32_t index : *model.outputs()) {
    if (index < 0 || index >= tensor_count || state[index] != State::kDefined) {
      return Status::InvalidModel(Cat("model output ", index, " is never written"));
    }
  }
  return Status::Ok();
}

Status CheckMeaning(const fb::Model& model, std::span<const std::byte> bytes) {
  if (model.version() > kFormatVersion) {
    return Status::Unsupported(
        Cat("format version ", model.version(), " is newer than this build's ", kFormatVersion));
  }
  if (!model.tensors() || !model.buffers() || !model.operators() || !model.inputs() || !model.outputs()) {
    return Status::InvalidModel("tensors, buffers, operators, inputs or outputs are missing");
  }
  if (model.tensors()->size() > kMaxTensors || model.operators()->size() > kMaxOperators) {
    return Status::ResourceLimit(Cat(model.tensors()->size(), " tensors and ", model.operators()->size(),
                                     " operators; the limits are ", kMaxTensors, " and ", kMaxOperators));
  }
  if (model.inputs()->size() == 0 || model.outputs()->size() == 0) {
    return Status::InvalidModel("a model needs at least one input and one output");
  }
  if (model.buffers()->size() == 0 ||
      (model.buffers()->Get(0)->data() && model.buffers()->Get(0)->data()->size())) {
    return Status::InvalidModel("buffer 0 must exist and be empty");
  }
  QRUN_RETURN_IF_ERROR(schema::CheckUnfolded(model));
  for (uint32_t i = 0; i < model.tensors()->size(); ++i) QRUN_RETURN_IF_ERROR(CheckTensor(model, bytes, i));
  QRUN_RETURN_IF_ERROR(CheckOperators(model));
  return CheckPreprocessing(model);
}

}  // namespace

Result<const fb::Model*> VerifyModel(std::span<const std::byte> bytes) {
  QRUN_RETURN_IF_ERROR(CheckStructure(bytes));
  const fb::Model* model = fb::GetModel(bytes.data());
  QRUN_RETURN_IF_ERROR(CheckMeaning(*model, bytes));
  return model;
}

}  // namespace qrun
