// What is kept in float, or not, as a whole.
#ifndef QRUN_CONVERTER_PRECISION_LAYER_UNITS_H_
#define QRUN_CONVERTER_PRECISION_LAYER_UNITS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "converter/graph.h"
#include "converter/precision/hybrid_model.h"

namespace qrun::converter {

// An operator that computes in int8, with the activation functions that alone read it: between a float
// operator and an int8 table its output would be rounded all the same.
struct LayerUnit {
  std::string name;           // of the operator
  std::vector<size_t> nodes;  // in order, indices in the graph
};

// The units of a float graph in order. `int8`: the nodes that run in int8. Operators that only move bytes
// belong to no unit: they follow their input.
std::vector<LayerUnit> FindLayerUnits(const Graph& graph, const NodeForms& int8);

// Regular expressions for --keep-float that name just the nodes of `unit`, without spaces.
std::vector<std::string> KeepFloatExpressions(const Graph& graph, const LayerUnit& unit);

// Only the nodes of `unit` are int8.
NodeForms OnlyInt8(const LayerUnit& unit, size_t nodes);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_LAYER_UNITS_H_
