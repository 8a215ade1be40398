// What a layer costs in float and in int8, by a model that is the same on every machine.
#ifndef QRUN_CONVERTER_PRECISION_COST_MODEL_H_
#define QRUN_CONVERTER_PRECISION_COST_MODEL_H_

#include <vector>

#include "converter/graph.h"
#include "converter/precision/layer_units.h"

namespace qrun::converter {

// Microseconds, of a nominal core.
struct LayerCost {
  double float_us = 0, int8_us = 0;
  // The inverted residual that the layer becomes a part of when blocks are fused, and what all of that
  // block's layers lose together as soon as one of them stays float and the block comes apart. -1: none.
  int block = -1;
  double breakup_us = 0;
  // Of keeping the layer float, in a block that has come apart already; never below a tenth of a microsecond,
  // so that gains can be divided by it.
  double Added() const { return float_us - int8_us > 0.1 ? float_us - int8_us : 0.1; }
};

// A layer computes, moves bytes, and is called:
//
//   float: macs / 30e3 + bytes / 10e3 + 0.5 per operator + what converts its inputs and outputs (elements /
//   4e3) int8:  macs / 120e3 + bytes / 10e3 + 0.5 per operator
//
// with bytes of activations and weights (four times as many in float). The factors are round numbers for one
// AVX2 core of 3 to 4 GHz: 8 lanes of binary32 against 32 of int8. Which layers stay float must not depend on
// the machine that converted, or on what else it did at that time: the same options must give the same file.
// So layers are ranked by these figures, and times that were measured (LayerTimes) are only shown beside
// them.
LayerCost CostOf(const Graph& graph, const LayerUnit& unit);

// A block that fusing would make.
struct FusedBlock {
  std::vector<ValueId> written;  // by its parts, in order
  // What coming apart costs: its inner tensors are stored and read again (int8 bytes twice / 10e3), and each
  // part but one is a call more.
  double breakup_us = 0;
};

// The blocks of an int8 graph, in order (FuseInvertedResidual).
std::vector<FusedBlock> FindFusedBlocks(const Graph& int8_graph);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_COST_MODEL_H_
