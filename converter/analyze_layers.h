// Float and int8 model side by side, layer by layer.
#ifndef QRUN_CONVERTER_ANALYZE_LAYERS_H_
#define QRUN_CONVERTER_ANALYZE_LAYERS_H_

#include <cstddef>
#include <span>

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/layer_report.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

// A graph and the model that EmitModel made of it.
struct EmittedGraph {
  const Graph& graph;
  const Model& model;
  std::span<const int> tensor_of_value;
};

// Runs both models on the first `max_samples` usable samples among the first `limit` (0: all). `quantized` is
// `reference` after QuantizeGraph: a value that int8 replaced has kept its ValueId. Holds the float
// activations of one sample. `block` and `part` are left empty; see NameBlocks. Errors: those of
// Session::Create.
Result<LayerReport> AnalyzeLayers(const EmittedGraph& reference, const EmittedGraph& quantized,
                                  const CalibrationSource& source, size_t limit, size_t max_samples);

// Fills in which layers FuseInvertedResidual joined. layers[] are those of the graph before, `fused` is it
// afterwards.
void NameBlocks(const Graph& before, const Graph& fused, LayerReport& report);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_ANALYZE_LAYERS_H_
