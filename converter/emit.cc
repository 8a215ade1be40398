#include "converter/emit.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>
#include <type_traits>

#include "converter/inner_values.h"

namespace qrun::converter {
namespace {

using flatbuffers::Offset;

// FlatBuffers offsets are 32 bits and signed; what is not constants stays far below the difference.
constexpr uint64_t kMaxConstantBytes = (uint64_t{1} << 31) - (uint64_t{1} << 26);

Result<fb::DType> FileType(const Value& value) {
  switch (value.type) {
    case ElementType::kFloat32:
      return fb::DType::Float32;
    case ElementType::kInt8:
      return fb::DType::Int8;
    case ElementType::kInt32:
      return fb::DType::Int32;
    case ElementType::kUInt8:
      return fb::DType::UInt8;
    case ElementType::kInt64:
    case ElementType::kBool:
      break;
  }
  return Status::Unsupported("tensor '" + value.name + "' has element type " +
                             (value.type == ElementType::kInt64 ? "int64" : "bool") +
                             ", which a .qfb file cannot hold; expected float32, int8, int32 or uint8");
}

class Emitter {
 public:
  Emitter(const Graph& graph, const ModelMetadata& metadata) : graph_(graph), metadata_(metadata) {
    tensor_of_value_.assign(graph.values.size(), -1);
  }

  Result<EmittedModel> Run() {
    QRUN_RETURN_IF_ERROR(NumberTensors());
    QRUN_RETURN_IF_ERROR(NumberBuffers());
    for (std::string_view data : buffers_) buffer_offsets_.push_back(WriteBuffer(data));
    for (ValueId id : tensors_) {
      QRUN_ASSIGN_OR_RETURN(auto tensor, WriteTensor(graph_.values[id]));
      tensor_offsets_.push_back(tensor);
    }
    for (const Node& node : graph_.nodes) {
      QRUN_ASSIGN_OR_RETURN(auto op, WriteOperator(node));
      operator_offsets_.push_back(op);
    }
    WriteModel();

    EmittedModel model;
    model.bytes.resize(builder_.GetSize());
    std::memcpy(model.bytes.data(), builder_.GetBufferPointer(), model.bytes.size());
    model.tensor_of_value = std::move(tensor_of_value_);
    return model;
  }

 private:
  Status Use(ValueId id, const std::string& where) {
    if (id == kNoValue) return Status::Ok();
    if (id < 0 || static_cast<size_t>(id) >= graph_.values.size()) {
      return Status::Internal(where + " refers to value " + std::to_string(id) + " of a graph with " +
                              std::to_string(graph_.values.size()) + " values");
    }
    if (tensor_of_value_[id] < 0) {
      tensor_of_value_[id] = static_cast<int>(tensors_.size());
      tensors_.push_back(id);
    }
    return Status::Ok();
  }

  Status NumberTensors() {
    for (ValueId id : graph_.inputs) QRUN_RETURN_IF_ERROR(Use(id, "the input list"));
    for (const Node& node : graph_.nodes) {
      const std::string where = "node '" + node.name + "'";
      for (ValueId id : node.inputs) QRUN_RETURN_IF_ERROR(Use(id, where));
      NodeOptions options = node.options;
      for (const int* id : InnerValues(options)) QRUN_RETURN_IF_ERROR(Use(*id, where));
      for (ValueId id : node.outputs) QRUN_RETURN_IF_ERROR(Use(id, where));
    }
    for (ValueId id : graph_.outputs) QRUN_RETURN_IF_ERROR(Use(id, "the output list"));
    written_.assign(tensors_.size(), false);
    for (const Node& node : graph_.nodes) {
      for (ValueId id : node.outputs) written_[static_cast<size_t>(tensor_of_value_[id])] = true;
    }
    return Status::Ok();
  }

  // Buffer 0 is the empty one of every activation.
  Status NumberBuffers() {
    buffers_.push_back({});
    std::map<std::string_view, uint32_t> index_of_content;
    uint64_t total_bytes = 0;
    for (ValueId id : tensors_) {
      const Value& value = graph_.values[id];
      uint32_t buffer = 0;
      if (value.is_constant()) {
        uint64_t expected = ElementBytes(value.type);
        for (int64_t extent : value.shape) expected *= static_cast<uint64_t>(extent);
        if (expected != value.data->size()) {
          return Status::Internal("constant '" + value.name + "' has " + std::to_string(value.data->size()) +
                                  " bytes where its shape takes " + std::to_string(expected));
        }
        const std::string_view content(reinterpret_cast<const char*>(value.data->data()), value.data->size());
        const auto [entry, is_new] =
            index_of_content.try_emplace(content, static_cast<uint32_t>(buffers_.size()));
        if (is_new) {
          buffers_.push_back(content);
          total_bytes += content.size() + 64;
        }
        buffer = entry->second;
      }
      buffer_of_tensor_.push_back(buffer);
    }
    if (total_bytes > kMaxConstantBytes) {
      return Status::ResourceLimit("the constants take " + std::to_string(total_bytes) +
                                   " bytes; a .qfb file holds at most " + std::to_string(kMaxConstantBytes));
    }
    return Status::Ok();
  }

  Offset<fb::Buffer> WriteBuffer(std::string_view data) {
    if (data.empty()) return fb::CreateBuffer(builder_);
    builder_.ForceVectorAlignment(data.size(), sizeof(uint8_t), 64);
    return fb::CreateBuffer(
        builder_, builder_.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size()));
  }

  Result<Offset<fb::Tensor>> WriteTensor(const Value& value) {
    QRUN_ASSIGN_OR_RETURN(const fb::DType type, FileType(value));
    std::vector<int32_t> shape;
    for (int64_t extent : value.shape) {
      if (extent < 1 || extent > std::numeric_limits<int32_t>::max()) {
        return Status::Internal("tensor '" + value.name + "' has an extent of " + std::to_string(extent));
      }
      shape.push_back(static_cast<int32_t>(extent));
    }
    Offset<fb::Quantization> quantization;
    if (value.quant) {
      const auto scale = builder_.CreateVector(value.quant->scale);
      Offset<flatbuffers::Vector<int32_t>> zero_point;  // left out: all 0
      if (!value.quant->zero_point.empty()) zero_point = builder_.CreateVector(value.quant->zero_point);
      quantization = fb::CreateQuantization(builder_, scale, zero_point, value.quant->axis);
    }
    const auto name = builder_.CreateString(value.name);
    const auto extents = builder_.CreateVector(shape);
    const size_t index = tensor_offsets_.size();
    Offset<flatbuffers::Vector<float>> channel_scale;  // left out: all 1
    if ((written_[index] && !value.channel_scale.empty()) || !value.channel_offset.empty()) {
      auto& shared = channel_scales_[value.channel_scale];
      if (shared.IsNull()) shared = builder_.CreateVector(value.channel_scale);
      channel_scale = shared;
    }
    Offset<flatbuffers::Vector<float>> channel_offset;  // left out: all 0
    if (!value.channel_offset.empty()) channel_offset = builder_.CreateVector(value.channel_offset);
    return fb::CreateTensor(builder_, name, extents, type, buffer_of_tensor_[index], quantization,
                            value.source_layout, channel_scale, channel_offset);
  }

  std::vector<int32_t> TensorIndices(const std::vector<ValueId>& ids) const {
    std::vector<int32_t> indices;
    for (ValueId id : ids) indices.push_back(TensorIndex(id));
    return indices;
  }
  int32_t TensorIndex(ValueId id) const { return id == kNoValue ? -1 : tensor_of_value_[id]; }

  Result<Offset<fb::Operator>> WriteOperator(const Node& node) {
    fb::Options type = fb::Options::NONE;
    Offset<void> options;
    std::visit(
        [&](const auto& source) {
          using T = std::decay_t<decltype(source)>;
          if constexpr (std::is_same_v<T, fb::InvertedResidualT>) {
            fb::InvertedResidualT block = source;
            for (int* id : InnerValues(block)) *id = TensorIndex(*id);
            type = fb::Options::InvertedResidual;
            options = fb::InvertedResidual::Pack(builder_, &block).Union();
          } else if constexpr (std::is_base_of_v<flatbuffers::NativeTable, T>) {
            type = fb::OptionsTraits<typename T::TableType>::enum_value;
            options = T::TableType::Pack(builder_, &source).Union();
          }
        },
        node.options);
    if (type == fb::Options::NONE) {
      return Status::Unsupported(
          "node '" + node.name + "' (" + node.source_op +
          ") has no operator in a .qfb file; a pass should have folded it into its neighbours");
    }
    const auto name = builder_.CreateString(node.name);
    const auto inputs = builder_.CreateVector(TensorIndices(node.inputs));
    const auto outputs = builder_.CreateVector(TensorIndices(node.outputs));
    return fb::CreateOperator(builder_, name, inputs, outputs, type, options);
  }

  void WriteModel() {
    const auto name = builder_.CreateString(metadata_.name.empty() ? graph_.name : metadata_.name);
    const auto producer = builder_.CreateString(metadata_.producer);
    const auto tensors = builder_.CreateVector(tensor_offsets_);
    const auto buffers = builder_.CreateVector(buffer_offsets_);
    const auto operators = builder_.CreateVector(operator_offsets_);
    const auto inputs = builder_.CreateVector(TensorIndices(graph_.inputs));
    const auto outputs = builder_.CreateVector(TensorIndices(graph_.outputs));
    Offset<fb::Preprocessing> preprocessing;
    if (metadata_.preprocessing) preprocessing = fb::Preprocessing::Pack(builder_, &*metadata_.preprocessing);
    Offset<flatbuffers::Vector<Offset<flatbuffers::String>>> labels;
    if (!metadata_.labels.empty()) labels = builder_.CreateVectorOfStrings(metadata_.labels);
    Offset<fb::Provenance> provenance;
    if (metadata_.provenance) provenance = fb::Provenance::Pack(builder_, &*metadata_.provenance);

    fb::ModelBuilder model(builder_);
    model.add_name(name);
    model.add_producer(producer);
    model.add_tensors(tensors);
    model.add_buffers(buffers);
    model.add_operators(operators);
    model.add_inputs(inputs);
    model.add_outputs(outputs);
    if (!preprocessing.IsNull()) model.add_preprocessing(preprocessing);
    if (!labels.IsNull()) model.add_labels(labels);
    if (!provenance.IsNull()) model.add_provenance(provenance);
    model.add_arena_bytes(metadata_.arena_bytes);
    builder_.Finish(model.Finish(), fb::ModelIdentifier());
  }

  const Graph& graph_;
  const ModelMetadata& metadata_;
  flatbuffers::FlatBufferBuilder builder_{1 << 16};
  std::vector<int> tensor_of_value_;
  std::vector<ValueId> tensors_;
  std::vector<bool> written_;  // per tensor: an operator writes it
  std::vector<uint32_t> buffer_of_tensor_;
  std::vector<std::string_view> buffers_;
  std::vector<Offset<fb::Buffer>> buffer_offsets_;
  std::vector<Offset<fb::Tensor>> tensor_offsets_;
  std::vector<Offset<fb::Operator>> operator_offsets_;
  // Tensors whose channels are tied have the same scales: they share one list in the file.
  std::map<std::vector<float>, Offset<flatbuffers::Vector<float>>> channel_scales_;
};

}  // namespace

Result<EmittedModel> EmitModel(const Graph& graph, const ModelMetadata& metadata) {
  return Emitter(graph, metadata).Run();
}

std::string OperatorKind(const Node& node) {
  return std::visit(
      [](const auto& options) -> std::string {
        using T = std::decay_t<decltype(options)>;
        if constexpr (std::is_base_of_v<flatbuffers::NativeTable, T>) {
          return fb::EnumNameOptions(fb::OptionsTraits<typename T::TableType>::enum_value);
        } else {
          return "";
        }
      },
      node.options);
}

}  // namespace qrun::converter
