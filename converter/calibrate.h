// Calibration: runs the float model over samples and observes every activation.
#ifndef QRUN_CONVERTER_CALIBRATE_H_
#define QRUN_CONVERTER_CALIBRATE_H_

#include <cstddef>
#include <span>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/observers/channel_statistics.h"
#include "converter/observers/observer.h"
#include "converter/sample_runner.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

struct Calibration {
  // Per ValueId; nothing seen for constants and unused values.
  std::vector<TensorObserver> tensors;
  std::vector<ChannelStatistics> channels;
  size_t samples_used = 0;
  std::vector<SampleFailure> failures;  // samples that could not be loaded, in order

  // One range per ValueId, chosen by `kind`.
  std::vector<Range> Ranges(const ObserverKind& kind) const;
};

// One pass over the samples. `float_model` is the emitted `graph`, `tensor_of_value` maps its values to the
// model's tensors (EmitModel). Memory does not grow with the number of samples. The result does not depend on
// `threads`, nor on the CPU. Errors: those of RunSamples.
Result<Calibration> Calibrate(const Graph& graph, const Model& float_model,
                              std::span<const int> tensor_of_value, const CalibrationSource& source,
                              int threads, const ProgressFunction& progress);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_CALIBRATE_H_
