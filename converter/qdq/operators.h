// One ONNX operator, or a few, for every operator of a canonical graph.
#ifndef QRUN_CONVERTER_QDQ_OPERATORS_H_
#define QRUN_CONVERTER_QDQ_OPERATORS_H_

#include "converter/qdq/qdq_graph.h"

namespace qrun::converter {

// Adds what computes the node's output. `source` is the float graph, whose values have equal ids. Errors:
// unsupported or internal, naming the node.
Status EmitNode(const Node& node, const Graph& source, QdqGraph& graph);

// The nodes of a convolution, whose options are complete; wei OHWI, or HWC for depthwise.
Status EmitConvolution(const Node& node, const fb::Conv2DT& op, QdqGraph& graph);
Status EmitDepthwise(const Node& node, const fb::DepthwiseConv2DT& op, QdqGraph& graph);

// Adds the nodes of function `op` from tensor `src` to tensor `dst`; `name` begins the names of the nodes.
void EmitUnary(const fb::UnaryT& op, const std::string& name, const std::string& src, const std::string& dst,
               OnnxWriter& writer);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_QDQ_OPERATORS_H_
