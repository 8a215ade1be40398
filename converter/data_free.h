// From a canonical float graph to the int8 graph without any sample.
#ifndef QRUN_CONVERTER_DATA_FREE_H_
#define QRUN_CONVERTER_DATA_FREE_H_

#include <functional>
#include <optional>
#include <string>

#include "converter/graph.h"
#include "converter/int8_conversion.h"
#include "converter/repair/moments.h"
#include "schema/status.h"

namespace qrun::converter {

struct DataFreeConversion {
  Int8Conversion int8;                // no samples; steps are not measured
  int from_norm = 0, propagated = 0;  // MomentEstimates
  // What a user must know: nothing was measured, and what the ranges rest on.
  std::string warning;
};

// What an input is taken to be: with `preprocessing`, pictures as cameras make them, every colour with mean
// 0.45 and deviation 0.25 of white, within black and white; else a mean of 0 and a deviation of 1.
ChannelMoments ExpectedInput(const Value& input, const std::optional<fb::PreprocessingT>& preprocessing);

// Ranges from BatchNorm statistics (repair/moments), equalisation, smoothing, absorption of high biases,
// analytic bias correction, after Nagel et al., "Data-free quantization through weight equalization and bias
// correction", 2019. The options' observer, limit and learning have no say. Errors: those of PlanInt8.
Result<DataFreeConversion> ConvertWithoutData(const Graph& graph, const std::vector<ChannelMoments>& inputs,
                                              const Int8Options& options,
                                              const std::function<void(const char*)>& begin_stage);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_DATA_FREE_H_
