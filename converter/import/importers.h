// The table of import functions: one per ONNX operator, declared and found through import_list.inc.
#ifndef QRUN_CONVERTER_IMPORT_IMPORTERS_H_
#define QRUN_CONVERTER_IMPORT_IMPORTERS_H_

#include <string_view>

#include "converter/import/graph_builder.h"
#include "converter/import/onnx_node.h"
#include "schema/status.h"

namespace qrun::converter {

// Adds to the graph what `node` means and names its outputs (GraphBuilder::SetOutput). Errors say what the
// node has that cannot be converted; the driver adds the node's name.
using Importer = Status (*)(const OnnxNode& node, GraphBuilder& builder);

#define QRUN_IMPORT(op_type, function) Status function(const OnnxNode& node, GraphBuilder& builder);
#include "converter/import/import_list.inc"
#undef QRUN_IMPORT

// The import function of an ONNX operator; null where there is none.
Importer FindImporter(std::string_view op_type);

// Whether the operator belongs to a model that has been quantised already.
bool IsQuantizedOperator(std::string_view op_type);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMPORT_IMPORTERS_H_
