// Operators in one element type, with weights of noise, on top of tests/model_builder.h.
#ifndef QRUN_TESTS_FUZZ_LAYERS_H_
#define QRUN_TESTS_FUZZ_LAYERS_H_

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/model_builder.h"

namespace qrun::tests {

// Each method returns the index of a tensor that it adds. Activations have one quantisation, weights one
// scale per slice of `axis` (-1: one).
class Layers {
 public:
  explicit Layers(bool int8) : int8_(int8) {}

  int Values(const std::vector<int>& shape) { return ValuesOf(int8_, shape); }
  int ValuesOf(bool int8, const std::vector<int>& shape) {
    const std::string name = Name("t");
    return int8 ? b.Int8(name, shape, 0.25f, -5) : b.Float(name, shape);
  }
  int Input(const std::vector<int>& shape) {
    b.model.inputs = {Values(shape)};
    return b.model.inputs[0];
  }
  void Output(int tensor) { b.model.outputs = {tensor}; }
  int Weights(const std::vector<int>& shape, int axis) {
    size_t count = 1;
    for (int extent : shape) count *= static_cast<size_t>(extent);
    if (int8_) {
      std::vector<int8_t> values(count);
      for (int8_t& value : values) value = static_cast<int8_t>(static_cast<int>(random_() % 255) - 127);
      return b.Int8Constant(Name("w"), shape, values, std::vector<float>(axis < 0 ? 1 : shape[axis], 0.01f),
                            axis);
    }
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random_() % 255) * 0.01f - 1.27f;
    return b.FloatConstant(Name("w"), shape, values);
  }
  int Bias(int channels) {
    if (int8_) return b.Int32Constant(Name("b"), {channels}, std::vector<int32_t>(channels, -3));
    return b.FloatConstant(Name("b"), {channels}, std::vector<float>(channels, 0.5f));
  }
  int Table() {
    std::vector<int8_t> values(256);
    for (int8_t& value : values) value = static_cast<int8_t>(random_());
    return b.Int8Constant(Name("table"), {256}, values, {0.25f});
  }
  // What follows a part of a block; in int8 `table` becomes the tensor that holds it.
  std::unique_ptr<fb::PartFunctionT> PartFunction(const std::vector<int>& shape, int& table) {
    auto function = std::make_unique<fb::PartFunctionT>();
    function->result = Values(shape);
    if (int8_) {
      table = Table();
    } else {
      function->function = Function(fb::UnaryKind::HardSwish);
    }
    return function;
  }

  template <class OptionsT>
  int Op(OptionsT options, std::vector<int> inputs, const std::vector<int>& shape) {
    return OpTo(std::move(options), std::move(inputs), Values(shape));
  }
  template <class OptionsT>
  int OpTo(OptionsT options, std::vector<int> inputs, int output) {
    b.Op(std::move(options), std::move(inputs), output);
    return output;
  }

  static std::unique_ptr<fb::Clamp> Clamp() { return std::make_unique<fb::Clamp>(-6.0f, 6.0f); }
  static std::unique_ptr<fb::UnaryT> Function(fb::UnaryKind kind) {
    auto function = std::make_unique<fb::UnaryT>();
    function->kind = kind;
    function->alpha = 0.2f;
    function->beta = 0.5f;
    return function;
  }

  ModelBuilder b;

 private:
  std::string Name(const char* kind) const { return kind + std::to_string(b.model.tensors.size()); }

  const bool int8_;
  std::mt19937 random_{5};
};

}  // namespace qrun::tests

#endif  // QRUN_TESTS_FUZZ_LAYERS_H_
