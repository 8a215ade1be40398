#include "converter/qdq/emit_qdq.h"

#include "converter/qdq/operators.h"
#include "converter/qdq/qdq_graph.h"

namespace qrun::converter {

Result<std::vector<std::byte>> EmitQdq(const Graph& quantized, const Graph& source) {
  QdqGraph graph(quantized);
  for (const Node& node : quantized.nodes) {
    QRUN_RETURN_IF_ERROR(EmitNode(node, source, graph).Annotate("cannot be written as ONNX"));
  }
  graph.FinishOutputs();
  return graph.writer().Serialize();
}

}  // namespace qrun::converter
