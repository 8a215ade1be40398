// The mean error that rounded weights make by themselves, taken out of the biases.
#ifndef QRUN_CONVERTER_PRECISION_ROUNDING_BIAS_H_
#define QRUN_CONVERTER_PRECISION_ROUNDING_BIAS_H_

#include <span>

#include "converter/graph.h"
#include "converter/observers/channel_statistics.h"

namespace qrun::converter {

// bias[o] += sum (w - w') * mean of w's input channel, for every int8 layer.
//
// CorrectBiases makes up for all errors of the layers before a layer, so that its biases are right only in
// the model that they were measured in. To look at layers one at a time, each may only be rid of its own mean
// error, which bias correction will take away in any model. `graph`: `float_graph` after QuantizeGraph;
// `channels`: per ValueId, of float.
void CentreRoundingErrors(const Graph& float_graph, Graph& graph,
                          std::span<const ChannelStatistics> channels);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_ROUNDING_BIAS_H_
