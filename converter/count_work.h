// What an operator costs.
#ifndef QRUN_CONVERTER_COUNT_WORK_H_
#define QRUN_CONVERTER_COUNT_WORK_H_

#include <cstdint>

#include "converter/graph.h"

namespace qrun::converter {

// Multiply-accumulates of one sample, and elements of weights and biases.
struct Work {
  int64_t macs = 0, parameters = 0;
};

// 0 for operators that do not sum products with constants. Precondition: `node` is one of the graph's, in
// NHWC.
Work CountWork(const Graph& graph, const Node& node);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_COUNT_WORK_H_
