// Graph -> the bytes of a .qfb file.
#ifndef QRUN_CONVERTER_EMIT_H_
#define QRUN_CONVERTER_EMIT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// What a file says beside the graph. Absent parts are absent in the file.
struct ModelMetadata {
  std::string name;  // empty: the graph's
  std::string producer;
  std::optional<fb::PreprocessingT> preprocessing;
  std::vector<std::string> labels;
  std::optional<fb::ProvenanceT> provenance;
  uint64_t arena_bytes = 0;
};

struct EmittedModel {
  std::vector<std::byte> bytes;
  // Per ValueId: index in the file's tensor list, or -1 for values that no operator, input or output uses.
  std::vector<int> tensor_of_value;
};

// Tensors come in the order of first use (graph inputs, then node by node inputs before outputs); constants
// with equal bytes share one buffer; buffers are 64-byte aligned in the file. The same graph and metadata
// give the same bytes. An InvertedResidual's expanded/filtered/projected are ValueIds in the graph and tensor
// indices in the file. Errors: unsupported, naming the node or value, for operators and element types that
// the format does not have (BatchNorm, Identity, int64, bool); resource_limit for constants over 2 GiB
// together; internal for a broken graph (a value index out of range, a constant whose bytes do not match its
// shape).
Result<EmittedModel> EmitModel(const Graph& graph, const ModelMetadata& metadata);

// The operator's name in the schema: "Conv2D"; "" for what the format does not have.
std::string OperatorKind(const Node& node);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_EMIT_H_
