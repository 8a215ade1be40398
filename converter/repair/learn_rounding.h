// Learned rounding: whether each weight goes up or down is decided by what its layer, or block, makes of real
// inputs.
#ifndef QRUN_CONVERTER_REPAIR_LEARN_ROUNDING_H_
#define QRUN_CONVERTER_REPAIR_LEARN_ROUNDING_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/quantize.h"
#include "converter/range.h"
#include "converter/repair/rounding/chain.h"
#include "converter/sample_runner.h"
#include "schema/status.h"

namespace qrun::converter {

struct LearnOptions {
  ChainKind kind = ChainKind::kBlocks;
  size_t steps = 1000;  // of each chain
  int threads = 1;      // the result does not depend on it
};

struct LearnReport {
  int chains = 0, better = 0;  // learnt; of which the held-out error fell
  int layers = 0;              // in those
  size_t samples = 0;
  int64_t turned = 0, weights = 0;  // weights that are rounded otherwise, of all in those layers
  double gain_db = 0;               // mean over all chains of 10 log10(held-out error before / after)
};

struct LearnedRounding {
  std::map<ValueId, RoundedLinear> rounded;  // for QuantizeOptions: all linear operators in int8
  std::vector<Range> ranges;                 // per ValueId
  LearnReport report;
};

// Nearest rounding is best for a weight alone, not for a sum of products: errors that inputs share can cancel
// (Nagel et al., "Up or down?", 2020: AdaRound). Chain by chain, in order, each on what the learnt chains
// before it make, Adam finds roundings, biases and scales of the outputs (Esser et al., "Learned step size
// quantization", 2020) with little squared error of the chain's output against float's; blocks as wholes
// after Li et al., "BRECQ", 2021. The weights' scales stay.
//
// Inputs and targets are tiles of a few pixels, cached: kTargetBytes of targets for the whole network, and
// inputs of one chain at a time. One sample in eight is held out; a chain takes its best state by them, and
// learning ends early where they get worse. So a chain whose held-out error did not fall keeps what it had.
//
// `graph` and `ranges` are quantised as `quantize` says to start from. Uses samples of `source` evenly, as
// many as fit kSampleBytes. The result is the same for every number of threads and on every CPU. `progress`
// counts steps. Errors: those of QuantizeGraph, EmitModel and of `source`.
inline constexpr size_t kTargetBytes = size_t{192} << 20, kSampleBytes = size_t{96} << 20;
Result<LearnedRounding> LearnRounding(const Graph& graph, const std::vector<Range>& ranges,
                                      const QuantizeOptions& quantize, const CalibrationSource& source,
                                      const LearnOptions& options, const ProgressFunction& progress);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_LEARN_ROUNDING_H_
