// The passes, each in its own file. They return how often they did what pass_list.inc says.
#ifndef QRUN_CONVERTER_PASSES_PASS_FUNCTIONS_H_
#define QRUN_CONVERTER_PASSES_PASS_FUNCTIONS_H_

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// Removes Identity, and Reshape, Transpose, Slice, Pad, Concat, Resize2D, Pool2D and clamps that change
// nothing. An operator between a graph input and a graph output stays: both need a value of their own.
Result<int> RemoveNoOps(Graph& graph);

// Replaces operators that read constants only by their result.
Result<int> FoldConstants(Graph& graph);

// Hard-swish, hard-sigmoid, SiLU and GELU spelt out in other operators become one Unary. Constants may differ
// from the exact ones by 1e-4 relative, as exporters round them.
Result<int> RecognizeActivations(Graph& graph);

// BatchNorm behind a Conv2D or FullyConnected that nothing else reads and that has no clamp, into its weights
// and bias.
Result<int> FoldBatchNorm(Graph& graph);

// Mul and Add of a constant per channel (or one for all) behind such an operator, into its weights and bias.
Result<int> FoldScaleAndShift(Graph& graph);

// Pad of height and width into the operator that alone reads it: zeros into Conv2D and into averages that
// count them; no more than the least possible value into a maximum.
Result<int> FoldPad(Graph& graph);

// Unary Clamp into the clamp of the operator before it, if nothing else reads what that makes.
Result<int> FuseActivations(Graph& graph);

// BatchNorm that no operator could take: on images a depthwise 1x1 Conv2D, on other ranks Mul and Add.
Result<int> LowerBatchNorm(Graph& graph);

// Rewrites the graph from NCHW to NHWC (to_nhwc.cc says how). Counts the Transposes and Reshapes in the
// result. Errors: unsupported for operators that have no form in the file.
Result<int> ToNhwc(Graph& graph);

// Conv2D with as many groups as input and output channels (more than one), and no input dilation, becomes
// DepthwiseConv2D. NHWC only.
Result<int> ToDepthwise(Graph& graph);

// Float constants (not quantised yet) with equal type, shape and bytes become one.
Result<int> MergeConstants(Graph& graph);

// Drops nodes whose results nothing reads and values that nothing uses, and renumbers the values. Graph
// inputs stay.
Result<int> RemoveDead(Graph& graph);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_PASS_FUNCTIONS_H_
