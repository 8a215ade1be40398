// A picture's normalisation as a part of the first convolution.
//
// value[c] = (pixel / 255 - mean[c]) / std[c] is affine, and so is a convolution: with weights divided by 255
// * std[c] and the rest in the bias, its input is the pixel itself. int8 holds that without rounding (q =
// pixel - 128), where the grid of one scale for all channels is coarser than the picture's, and no byte needs
// arithmetic on its way in.
#ifndef QRUN_CONVERTER_FOLD_PREPROCESSING_H_
#define QRUN_CONVERTER_FOLD_PREPROCESSING_H_

#include <optional>
#include <vector>

#include "converter/graph.h"
#include "converter/range.h"
#include "schema/qfb_generated.h"

namespace qrun::converter {

struct FoldedPreprocessing {
  // What the graph's input holds now: the pixel minus a grey level that the channels' means lie around.
  // `preprocessing` makes it of pictures, `range` is all it can be: one step of int8 for each level.
  fb::PreprocessingT preprocessing;
  Range range;
  // The input is value * scale[c] + offset[c].
  std::vector<float> scale, offset;
};

// Folds `preprocessing` into the convolution that alone reads the graph's only input, in real numbers
// exactly: where it pads, padding becomes what the value 0 is in pixels (which int8 rounds to one). Nothing,
// and the graph as it was, if there is no such Conv2D with constant float weights and without input dilation,
// or if a mean is no level of grey or a deviation not positive.
std::optional<FoldedPreprocessing> FoldPreprocessing(Graph& graph, const fb::PreprocessingT& preprocessing);

// When `graph`, which FoldPreprocessing made, has been quantised: says in it how the input's values become
// pixels. A convolution that stayed float takes the values again as they were.
void FinishFolding(Graph& graph, const FoldedPreprocessing& folded);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_FOLD_PREPROCESSING_H_
