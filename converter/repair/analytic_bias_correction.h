// Bias correction without data: what rounded weights make of the inputs' expected means.
#ifndef QRUN_CONVERTER_REPAIR_ANALYTIC_BIAS_CORRECTION_H_
#define QRUN_CONVERTER_REPAIR_ANALYTIC_BIAS_CORRECTION_H_

#include <functional>
#include <span>
#include <vector>

#include "converter/graph.h"
#include "converter/repair/bias_correction.h"
#include "converter/repair/linear_view.h"
#include "converter/repair/moments.h"

namespace qrun::converter {

// Means of the channels of a layer's input; empty to leave the layer alone. `original`: the layer in float;
// `linear`: in int8.
using InputMeans = std::function<std::vector<double>(const LinearView& original, const LinearView& linear)>;

// bias[o] += sum over k of (w[o][k] - w'[o][k]) * E[x[k]], w' what int8 has of the float weights w (Nagel et
// al., "Data-free quantization through weight equalization and bias correction", 2019, the analytic form).
// The window is taken to lie inside the input. `float_graph`: what `graph` was quantised from. A correction
// that would break the accumulator bound is left out. Report::samples is 0.
BiasCorrectionReport CorrectBiasesByMeans(const Graph& float_graph, Graph& graph, const InputMeans& means);

// The same with expected means; `moments`: of `float_graph`, per ValueId. Layers whose input is not known are
// left alone.
BiasCorrectionReport CorrectBiasesAnalytically(const Graph& float_graph, Graph& graph,
                                               std::span<const ChannelMoments> moments);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ANALYTIC_BIAS_CORRECTION_H_
