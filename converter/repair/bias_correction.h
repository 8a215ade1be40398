// Bias correction: int8 layers get back the mean that their float originals have.
#ifndef QRUN_CONVERTER_REPAIR_BIAS_CORRECTION_H_
#define QRUN_CONVERTER_REPAIR_BIAS_CORRECTION_H_

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

struct BiasCorrectionReport {
  int layers = 0, channels = 0;  // that were corrected
  size_t samples = 0;            // that the means are over
  double largest_steps = 0;      // largest change, in steps of the layer's output
};

// Rounding and clipping are not free of bias: averaged over positions and samples, an output channel of an
// int8 layer is off by some amount, which its readers see in every pixel. Layer by layer, in order, with the
// layers before already corrected, the difference of the means before the clamp goes into the int32 bias
// (Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019, the
// empirical form):
//
//   bias[o] += mean(sum w * x) - mean(sum w' * x')     w, x float; w', x' what int8 has of them
//
// Float means are those of a network whose activations are cut where int8 clips them: a constant cannot give
// back what clipping takes. An outlier of 1000 in one pixel of 1000 that a range leaves out moves the mean by
// 1, and all other pixels would be shifted by that.
//
// `float_graph`: the graph that was quantised into `graph`, whose nodes write values of the same ids. Layers
// that stayed float, and transposed convolutions, are left alone; a correction that would break the
// accumulator bound is left out. Uses the first samples of `source`, as many as WalkSamples allows. The
// result does not depend on `threads`.
Result<BiasCorrectionReport> CorrectBiases(const Graph& float_graph, Graph& graph,
                                           const CalibrationSource& source, int threads);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_BIAS_CORRECTION_H_
