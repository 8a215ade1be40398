// A small network with one layer that int8 cannot hold.
#ifndef QRUN_TESTS_CONVERTER_PRECISION_PRECISION_PROBLEM_H_
#define QRUN_TESTS_CONVERTER_PRECISION_PRECISION_PROBLEM_H_

#include <vector>

#include "converter/int8_conversion.h"
#include "tests/converter/noise.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {

inline constexpr int kWidth = 8;

// x [1,6,6,8] -> first (channel 0 always 0) -> relu -> bad -> swish -> gate * -> last (5). `bad` weighs the
// dead channel with `outlier`: nothing in float, but its weights' scale is lost on it.
inline ToyGraph OutlierNet(float outlier = 1000) {
  ToyGraph toy;
  const Shape shape = {1, 6, 6, kWidth};
  const auto conv = [&](const char* name, ValueId src, std::vector<float> wei, unsigned seed) {
    const int oc = static_cast<int>(wei.size()) / kWidth;
    std::vector<float> bia = Uniform(static_cast<size_t>(oc), 0.3f, seed);
    if (seed == 11) bia[0] = 0;
    return toy.Conv1x1(name, src, kWidth, wei, bia, toy.Activation(name, {1, 6, 6, oc}));
  };
  const ValueId x = toy.Input("x", shape);
  std::vector<float> first = Uniform(kWidth * kWidth, 0.5f, 1), bad = Uniform(kWidth * kWidth, 0.5f, 2);
  for (int c = 0; c < kWidth; ++c) {
    first[static_cast<size_t>(c)] = 0;  // output channel 0
    bad[static_cast<size_t>(c * kWidth)] = outlier;
  }
  const ValueId a = conv("first", x, first, 11);
  const ValueId b = conv("net/bad.conv (1)", a, bad, 12);
  const ValueId swish = toy.Unary("swish", fb::UnaryKind::HardSwish, b, toy.Activation("swish", shape));
  const ValueId gate = toy.Unary("gate", fb::UnaryKind::Sigmoid, swish, toy.Activation("gate", shape));
  const ValueId product =
      toy.Binary("product", fb::BinaryKind::Mul, swish, gate, toy.Activation("product", shape));
  toy.graph.outputs = {conv("last", product, Uniform(5 * kWidth, 0.5f, 3), 13)};
  return toy;
}

// Neither equalised nor corrected unless the test says so.
inline Int8Options PlainOptions() {
  Int8Options options;
  options.equalize = options.correct_biases = false;
  return options;
}

inline Result<Int8Conversion> ConvertToy(const Graph& graph, const Int8Options& options) {
  return ConvertToInt8(graph, NoiseInputs(64), options, [](const char*) {}, {});
}

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_PRECISION_PRECISION_PROBLEM_H_
