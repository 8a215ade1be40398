// Small NHWC graphs, built by hand for the tests of everything behind the passes.
#ifndef QRUN_TESTS_CONVERTER_TOY_GRAPH_H_
#define QRUN_TESTS_CONVERTER_TOY_GRAPH_H_

#include <string>
#include <utility>
#include <vector>

#include "converter/graph.h"
#include "converter/range.h"

namespace qrun::converter {

struct ToyGraph {
  Graph graph;
  std::vector<Range> ranges;  // per value; give it through Activation

  ToyGraph() {
    graph.name = "toy";
    graph.layout = Layout::kNhwc;
  }

  ValueId Activation(std::string name, Shape shape, Range range = {-1, 1}) {
    Value value;
    value.name = std::move(name);
    value.shape = std::move(shape);
    ranges.push_back(range);
    return AddValue(graph, std::move(value));
  }
  ValueId Input(std::string name, Shape shape, Range range = {-1, 1}) {
    graph.inputs.push_back(Activation(std::move(name), std::move(shape), range));
    return graph.inputs.back();
  }
  ValueId Floats(std::string name, Shape shape, const std::vector<float>& elements) {
    ranges.push_back({});
    return AddValue(graph, FloatConstant(std::move(name), std::move(shape), elements));
  }
  // Appends a node that writes `dst`; returns dst.
  ValueId Op(std::string name, NodeOptions options, std::vector<ValueId> inputs, ValueId dst) {
    graph.nodes.push_back({std::move(name), "Toy", std::move(options), std::move(inputs), {dst}});
    return dst;
  }
  // 1x1 convolution with weights wei [oc, 1, 1, ic].
  ValueId Conv1x1(std::string name, ValueId src, int ic, const std::vector<float>& wei,
                  const std::vector<float>& bia, ValueId dst) {
    const int64_t oc = static_cast<int64_t>(wei.size()) / ic;
    std::vector<ValueId> inputs = {src, Floats(name + ".wei", {oc, 1, 1, ic}, wei)};
    if (!bia.empty()) inputs.push_back(Floats(name + ".bia", {oc}, bia));
    return Op(std::move(name), fb::Conv2DT{}, std::move(inputs), dst);
  }
  ValueId Unary(std::string name, fb::UnaryKind kind, ValueId src, ValueId dst) {
    fb::UnaryT options;
    options.kind = kind;
    return Op(std::move(name), options, {src}, dst);
  }
  ValueId Binary(std::string name, fb::BinaryKind kind, ValueId a, ValueId b, ValueId dst) {
    fb::BinaryT options;
    options.kind = kind;
    return Op(std::move(name), options, {a, b}, dst);
  }
  ValueId MaxPool(std::string name, ValueId src, ValueId dst) {
    return Op(std::move(name), fb::Pool2DT{}, {src}, dst);
  }
};

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_TOY_GRAPH_H_
