// A slow interpreter of float graphs in either layout, one formula per operator: what the passes must not
// change.
#ifndef QRUN_TESTS_CONVERTER_NAIVE_EVAL_H_
#define QRUN_TESTS_CONVERTER_NAIVE_EVAL_H_

#include <string>
#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// Values of graph.outputs for the values of graph.inputs, all as stored. Throws std::runtime_error on an
// operator that it does not know, or inputs that do not fit.
std::vector<std::vector<float>> NaiveEval(const Graph& graph, const std::vector<std::vector<float>>& inputs);

// The only output for the only input.
std::vector<float> EvalOne(const Graph& graph, const std::vector<float>& input);

// Shape of the first output.
const Shape& OutputShape(const Graph& graph);

// The elements of an image [1,C,H,W] as [1,H,W,C], and back. `chw` is the source's shape.
std::vector<float> NchwToNhwc(const std::vector<float>& src, const Shape& nchw);
std::vector<float> NhwcToNchw(const std::vector<float>& src, const Shape& nhwc);

// The graph's outputs for inputs that are in the source's layout, in the source's layout: what stays the same
// over all passes.
std::vector<std::vector<float>> EvalInSourceLayout(const Graph& graph,
                                                   const std::vector<std::vector<float>>& inputs);

// Reproducible elements in [-1, 1].
std::vector<float> RandomFloats(int64_t count, uint32_t seed);

// One vector of random elements per graph input.
std::vector<std::vector<float>> RandomInputs(const Graph& graph, uint32_t seed);

// Largest |a - b| relative to max(1, largest |a|); infinity where sizes differ.
double MaxDifference(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_NAIVE_EVAL_H_
