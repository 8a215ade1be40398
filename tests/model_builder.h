// Small models made in memory, for the tests of schema, runtime and command line tools.
#ifndef QRUN_TESTS_MODEL_BUILDER_H_
#define QRUN_TESTS_MODEL_BUILDER_H_

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "schema/qfb_generated.h"

namespace qrun::tests {

// A model under construction. `model` is open for whatever a test wants to spoil.
class ModelBuilder {
 public:
  ModelBuilder() {
    model.name = "test";
    model.producer = "tests";
    model.buffers.push_back(std::make_unique<fb::BufferT>());
  }

  // Activations. The int8 ones have scale and zero point.
  int Float(const std::string& name, std::vector<int> shape) {
    return Add(name, std::move(shape), fb::DType::Float32);
  }
  int Int8(const std::string& name, std::vector<int> shape, float scale, int zero_point) {
    const int index = Add(name, std::move(shape), fb::DType::Int8);
    SetQuantization(index, {scale}, {zero_point}, -1);
    return index;
  }

  template <class T>
  int Constant(const std::string& name, std::vector<int> shape, fb::DType dtype,
               const std::vector<T>& values) {
    const int index = Add(name, std::move(shape), dtype);
    model.tensors[index]->buffer = static_cast<uint32_t>(model.buffers.size());
    auto buffer = std::make_unique<fb::BufferT>();
    buffer->data.resize(values.size() * sizeof(T));
    std::memcpy(buffer->data.data(), values.data(), buffer->data.size());
    model.buffers.push_back(std::move(buffer));
    return index;
  }
  int FloatConstant(const std::string& name, std::vector<int> shape, const std::vector<float>& values) {
    return Constant(name, std::move(shape), fb::DType::Float32, values);
  }
  int Int32Constant(const std::string& name, std::vector<int> shape, const std::vector<int32_t>& values) {
    return Constant(name, std::move(shape), fb::DType::Int32, values);
  }
  // Weights with one scale, or one per slice of `axis`.
  int Int8Constant(const std::string& name, std::vector<int> shape, const std::vector<int8_t>& values,
                   std::vector<float> scales, int axis = -1) {
    const int index = Constant(name, std::move(shape), fb::DType::Int8, values);
    SetQuantization(index, std::move(scales), {}, axis);
    return index;
  }

  void SetQuantization(int tensor, std::vector<float> scales, std::vector<int> zero_points, int axis) {
    auto quantization = std::make_unique<fb::QuantizationT>();
    quantization->scale = std::move(scales);
    quantization->zero_point = std::move(zero_points);
    quantization->axis = axis;
    model.tensors[tensor]->quantization = std::move(quantization);
  }

  template <class OptionsT>
  void Op(OptionsT options, std::vector<int> inputs, int output) {
    auto op = std::make_unique<fb::OperatorT>();
    op->name = "op" + std::to_string(model.operators.size());
    op->inputs = std::move(inputs);
    op->outputs = {output};
    op->options.Set(std::move(options));
    model.operators.push_back(std::move(op));
  }

  std::vector<std::byte> Finish(std::vector<int> inputs, std::vector<int> outputs) {
    model.inputs = std::move(inputs);
    model.outputs = std::move(outputs);
    return Finish();
  }
  std::vector<std::byte> Finish() {
    flatbuffers::FlatBufferBuilder builder;
    fb::FinishModelBuffer(builder, fb::Model::Pack(builder, &model));
    const auto* data = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
    return {data, data + builder.GetSize()};
  }

  fb::ModelT model;

 private:
  int Add(const std::string& name, std::vector<int> shape, fb::DType dtype) {
    auto tensor = std::make_unique<fb::TensorT>();
    tensor->name = name;
    tensor->shape = std::move(shape);
    tensor->dtype = dtype;
    model.tensors.push_back(std::move(tensor));
    return static_cast<int>(model.tensors.size()) - 1;
  }
};

}  // namespace qrun::tests

#endif  // QRUN_TESTS_MODEL_BUILDER_H_
