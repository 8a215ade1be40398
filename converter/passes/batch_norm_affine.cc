#include "converter/passes/batch_norm_affine.h"

#include <cmath>

namespace qrun::converter {

ChannelAffine BatchNormAffine(Rewriter& rewriter, int i) {
  const std::vector<ValueId>& inputs = rewriter.node(i).inputs;
  const double epsilon = rewriter.As<BatchNorm>(i)->epsilon;
  const auto gamma = Floats(rewriter.value(inputs[1])), beta = Floats(rewriter.value(inputs[2]));
  const auto mean = Floats(rewriter.value(inputs[3])), var = Floats(rewriter.value(inputs[4]));
  ChannelAffine affine;
  for (size_t c = 0; c < gamma.size(); ++c) {
    const double scale = gamma[c] / std::sqrt(var[c] + epsilon);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(static_cast<float>(beta[c] - mean[c] * scale));
  }
  return affine;
}

}  // namespace qrun::converter
