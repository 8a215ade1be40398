// MobileNetV2's blocks as one operator.
#ifndef QRUN_CONVERTER_PASSES_FUSE_INVERTED_RESIDUAL_H_
#define QRUN_CONVERTER_PASSES_FUSE_INVERTED_RESIDUAL_H_

#include "converter/graph.h"

namespace qrun::converter {

// Replaces [Conv2D ->] DepthwiseConv2D -> 1x1 Conv2D [-> Add with the block's input] by InvertedResidual
// where every value in between has one reader and is no graph output. The first stage is mostly a 1x1
// expansion, and MobileNet's stem where the block stands behind it. Works on float and on quantised graphs in
// NHWC: the values in between keep their QuantParams and become the operator's `expanded`, `filtered` and
// `projected`. Without an Add the project step writes the operator's output; an Add of anything but the
// block's own input stays outside. Depthwise filters of one pixel are left alone. Returns the number of
// blocks.
int FuseInvertedResidual(Graph& graph);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_FUSE_INVERTED_RESIDUAL_H_
