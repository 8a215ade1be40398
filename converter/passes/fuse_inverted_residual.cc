#include "converter/passes/fuse_inverted_residual.h"

#include <algorithm>

#include "converter/passes/rewriter.h"

namespace qrun::converter {
namespace {

// A 1x1 convolution of all channels that keeps height and width.
const fb::Conv2DT* AsPointwise(Rewriter& rewriter, int i) {
  const auto* op = rewriter.As<fb::Conv2DT>(i);
  if (!op || op->groups != 1 || op->stride_h != 1 || op->stride_w != 1) return nullptr;
  if (op->pad_top || op->pad_left || op->pad_bottom || op->pad_right) return nullptr;
  if (op->input_dilation_h != 1 || op->input_dilation_w != 1) return nullptr;
  const Shape& wei = rewriter.value(rewriter.node(i).inputs[1]).shape;
  return wei[1] == 1 && wei[2] == 1 ? op : nullptr;
}

// A convolution that may be a block's first stage. Mostly a 1x1 expansion; a k x k one is MobileNet's stem,
// whose output, the largest tensor of the network, is then never stored.
const fb::Conv2DT* AsFirstStage(Rewriter& rewriter, int i) {
  const auto* op = rewriter.As<fb::Conv2DT>(i);
  return op && op->input_dilation_h == 1 && op->input_dilation_w == 1 ? op : nullptr;
}

// A function of each value by itself: Unary in float, LookupTable in int8.
bool IsFunction(Rewriter& rewriter, int i) {
  return rewriter.As<fb::UnaryT>(i) != nullptr || rewriter.As<fb::LookupTableT>(i) != nullptr;
}

// How the block states function `i`, and its table; nothing if there is none.
struct Function {
  std::unique_ptr<fb::PartFunctionT> options;
  ValueId table = kNoValue;
};
Function ReadFunction(Rewriter& rewriter, int i) {
  if (!IsFunction(rewriter, i)) return {};
  Function function = {std::make_unique<fb::PartFunctionT>(), kNoValue};
  function.options->result = rewriter.node(i).outputs[0];
  if (const auto* unary = rewriter.As<fb::UnaryT>(i)) {
    function.options->function = std::make_unique<fb::UnaryT>(*unary);
  } else {
    function.table = rewriter.node(i).inputs[1];
  }
  return function;
}

ValueId InputOrNone(const Node& node, size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNoValue; }

// Node `i`'s output's only reader, which reads it once; -1 otherwise.
int OnlyReader(Rewriter& rewriter, const std::vector<int>& reader, int i) {
  const ValueId out = rewriter.node(i).outputs[0];
  return rewriter.ReadCount(out) == 1 ? reader[out] : -1;
}

}  // namespace

int FuseInvertedResidual(Graph& graph) {
  Rewriter rewriter(graph);
  std::vector<int> reader(graph.values.size(), -1);
  for (int i = 0; i < rewriter.node_count(); ++i) {
    for (ValueId id : rewriter.node(i).inputs) {
      if (id != kNoValue) reader[id] = i;
    }
  }
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    const auto* depthwise = rewriter.As<fb::DepthwiseConv2DT>(i);
    if (!depthwise) continue;
    const Shape& filter = rewriter.value(rewriter.node(i).inputs[1]).shape;
    if (filter[0] == 1 && filter[1] == 1) continue;  // a scale per channel needs no rows of its neighbours
    // Nodes, -1 where absent: first, first_function, i, function, last, adder.
    int last = OnlyReader(rewriter, reader, i), function = -1;
    if (IsFunction(rewriter, last)) {
      function = last;
      last = OnlyReader(rewriter, reader, function);
    }
    const fb::Conv2DT* project = AsPointwise(rewriter, last);
    if (!project) continue;
    int first = rewriter.OwnProducer(i, 0), first_function = -1;
    if (IsFunction(rewriter, first)) {
      first_function = first;
      first = rewriter.OwnProducer(first_function, 0);
    }
    const fb::Conv2DT* expand = AsFirstStage(rewriter, first);
    if (!expand) first = first_function = -1;

    fb::InvertedResidualT block;
    block.depthwise = std::make_unique<fb::DepthwiseConv2DT>(*depthwise);
    block.project = std::make_unique<fb::Conv2DT>(*project);
    block.filtered = rewriter.node(i).outputs[0];
    Function expand_function = ReadFunction(rewriter, first_function);
    Function depthwise_function = ReadFunction(rewriter, function);
    block.expand_function = std::move(expand_function.options);
    block.depthwise_function = std::move(depthwise_function.options);
    if (expand) {
      block.expand = std::make_unique<fb::Conv2DT>(*expand);
      block.expanded = rewriter.node(first).outputs[0];
    }
    const Node& head = rewriter.node(expand ? first : i);
    const ValueId src = head.inputs[0];
    int end = last;
    const int adder = OnlyReader(rewriter, reader, last);
    const auto* add = rewriter.As<fb::BinaryT>(adder);
    if (add && add->kind == fb::BinaryKind::Add) {
      const std::vector<ValueId>& inputs = rewriter.node(adder).inputs;
      const bool own_input = std::find(inputs.begin(), inputs.end(), src) != inputs.end();
      if (own_input && rewriter.value(src).shape == rewriter.value(rewriter.node(last).outputs[0]).shape) {
        block.residual = true;
        if (add->clamp) block.residual_clamp = std::make_unique<fb::Clamp>(*add->clamp);
        block.projected = rewriter.node(last).outputs[0];
        end = adder;
      }
    }
    // The block stands where its last part stood: the last part's other inputs are made by then.
    std::vector<ValueId> inputs = {src, kNoValue, kNoValue};
    if (expand) inputs = {src, InputOrNone(rewriter.node(first), 1), InputOrNone(rewriter.node(first), 2)};
    for (int part : {i, last}) {
      inputs.push_back(InputOrNone(rewriter.node(part), 1));
      inputs.push_back(InputOrNone(rewriter.node(part), 2));
    }
    if (expand_function.table != kNoValue || depthwise_function.table != kNoValue) {
      inputs.insert(inputs.end(), {expand_function.table, depthwise_function.table});
    }
    for (int part : {first, first_function, i, function, last}) {
      if (part >= 0 && part != end) rewriter.Drop(part);
    }
    rewriter.SetInputs(end, std::move(inputs));
    reader[src] = end;
    rewriter.node(end).source_op = "InvertedResidual";
    rewriter.node(end).options = std::move(block);
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
