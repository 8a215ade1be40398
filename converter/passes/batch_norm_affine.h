// BatchNorm as an affine function per channel.
#ifndef QRUN_CONVERTER_PASSES_BATCH_NORM_AFFINE_H_
#define QRUN_CONVERTER_PASSES_BATCH_NORM_AFFINE_H_

#include <memory>

#include "converter/passes/channel_affine.h"

namespace qrun::converter {

// scale = gamma / sqrt(var + epsilon), shift = beta - mean * scale. Node `i` must be a BatchNorm.
ChannelAffine BatchNormAffine(Rewriter& rewriter, int i);

// What node `i`, a BatchNorm, says of its training data.
std::shared_ptr<const BatchNormStatistics> StatisticsOf(Rewriter& rewriter, int i);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_BATCH_NORM_AFFINE_H_
