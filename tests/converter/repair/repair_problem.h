// Small networks with channels of very different reach.
#ifndef QRUN_TESTS_CONVERTER_REPAIR_REPAIR_PROBLEM_H_
#define QRUN_TESTS_CONVERTER_REPAIR_REPAIR_PROBLEM_H_

#include <limits>
#include <memory>
#include <vector>

#include "converter/calibrate.h"
#include "converter/emit.h"
#include "tests/converter/noise.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {

// x [1,5,5,4] -> conv a (16) -> depthwise d, clamped to [0, cap] -> conv p (4) -> add x -> conv out (6).
// Channel c of `a` is spread[c % spread.size()] times as strong as the others, and d's weights make up for
// it.
inline ToyGraph ResidualNet(const std::vector<float>& spread = {1},
                            float cap = std::numeric_limits<float>::infinity()) {
  constexpr int kWide = 16, kNarrow = 4;
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 5, 5, kNarrow});
  std::vector<float> a_wei = Uniform(kWide * kNarrow, 0.6f, 1), a_bia = Uniform(kWide, 0.3f, 2);
  std::vector<float> d_wei = Uniform(9 * kWide, 0.5f, 3);
  for (int c = 0; c < kWide; ++c) {
    const float s = spread[static_cast<size_t>(c) % spread.size()];
    for (int i = 0; i < kNarrow; ++i) a_wei[static_cast<size_t>(c * kNarrow + i)] *= s;
    a_bia[static_cast<size_t>(c)] *= s;
    for (int tap = 0; tap < 9; ++tap) d_wei[static_cast<size_t>(tap * kWide + c)] /= s;
  }
  const ValueId a = toy.Conv1x1("a", x, kNarrow, a_wei, a_bia, toy.Activation("a", {1, 5, 5, kWide}));
  fb::DepthwiseConv2DT depthwise;
  depthwise.pad_top = depthwise.pad_left = depthwise.pad_bottom = depthwise.pad_right = 1;
  depthwise.clamp = std::make_unique<fb::Clamp>(0.0f, cap);
  const ValueId d = toy.Op(
      "d", depthwise,
      {a, toy.Floats("d.wei", {3, 3, kWide}, d_wei), toy.Floats("d.bia", {kWide}, Uniform(kWide, 1, 4))},
      toy.Activation("d", {1, 5, 5, kWide}));
  const ValueId p = toy.Conv1x1("p", d, kWide, Uniform(kWide * kNarrow, 0.5f, 5), Uniform(kNarrow, 0.2f, 6),
                                toy.Activation("p", {1, 5, 5, kNarrow}));
  const ValueId sum = toy.Binary("sum", fb::BinaryKind::Add, p, x, toy.Activation("sum", {1, 5, 5, kNarrow}));
  toy.graph.outputs = {toy.Conv1x1("out", sum, kNarrow, Uniform(6 * kNarrow, 0.5f, 7), Uniform(6, 0.2f, 8),
                                   toy.Activation("out", {1, 5, 5, 6}))};
  return toy;
}

// Tokens [1,12,16] -> gain and shift per channel, two of which are far louder -> matrix product.
inline ToyGraph LoudGain(float loud) {
  constexpr int kChannels = 16;
  ToyGraph toy;
  const Shape shape = {1, 12, kChannels};
  const ValueId x = toy.Input("x", shape);
  std::vector<float> gain = Uniform(kChannels, 0.5f, 1), shift = Uniform(kChannels, 0.2f, 2);
  for (size_t c : {3u, 9u}) {
    gain[c] *= loud;
    shift[c] *= loud;
  }
  const ValueId scaled = toy.Binary("gain", fb::BinaryKind::Mul, x, toy.Floats("g", {1, 1, kChannels}, gain),
                                    toy.Activation("scaled", shape));
  const ValueId moved = toy.Binary("shift", fb::BinaryKind::Add, scaled,
                                   toy.Floats("s", {1, 1, kChannels}, shift), toy.Activation("moved", shape));
  std::vector<float> wei = Uniform(8 * kChannels, 0.5f, 3);
  for (size_t i = 0; i < wei.size(); ++i) {
    if (i % kChannels == 3 || i % kChannels == 9) wei[i] /= loud;
  }
  toy.graph.outputs = {toy.Op("product", fb::FullyConnectedT{},
                              {moved, toy.Floats("wei", {8, kChannels}, wei)},
                              toy.Activation("y", {1, 12, 8}))};
  return toy;
}

inline Calibration CalibrateToy(const Graph& graph, const CalibrationSource& source) {
  const auto file = EmitModel(graph, {});
  const auto model = Model::FromBytes(file->bytes);
  auto calibration = Calibrate(graph, *model, file->tensor_of_value, source, 1, {});
  return std::move(*calibration);
}

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_REPAIR_REPAIR_PROBLEM_H_
