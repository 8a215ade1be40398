// y = scale[c] * x + shift[c], folded into the operator that makes x.
#ifndef QRUN_CONVERTER_PASSES_CHANNEL_AFFINE_H_
#define QRUN_CONVERTER_PASSES_CHANNEL_AFFINE_H_

#include <vector>

#include "converter/passes/rewriter.h"

namespace qrun::converter {

// One entry per output channel.
struct ChannelAffine {
  std::vector<float> scale;
  std::vector<float> shift;
};

// Output channels of a Conv2D or FullyConnected with constant float weights and no clamp; 0 for anything
// else. An affine function of what it makes can be folded into it.
int64_t FoldableChannels(Rewriter& rewriter, int producer);

// Multiplies the weights and the bias by scale, adds shift to the bias (made if absent), in binary64; what a
// BatchNorm folded before said of the output moves along.
void FoldAffine(Rewriter& rewriter, int producer, const ChannelAffine& affine);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_CHANNEL_AFFINE_H_
