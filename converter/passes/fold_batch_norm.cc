#include "converter/passes/batch_norm_affine.h"
#include "converter/passes/pass_functions.h"

namespace qrun::converter {

Result<int> FoldBatchNorm(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    if (!rewriter.As<BatchNorm>(i)) continue;
    const int producer = rewriter.OwnProducer(i, 0);
    // A FullyConnected on more than two axes has its channels last, BatchNorm on axis 1.
    const bool channels_first =
        rewriter.As<fb::Conv2DT>(producer) || rewriter.value(rewriter.node(i).inputs[0]).shape.size() == 2;
    const ChannelAffine affine = BatchNormAffine(rewriter, i);
    if (!channels_first || FoldableChannels(rewriter, producer) != static_cast<int64_t>(affine.scale.size()))
      continue;
    FoldAffine(rewriter, producer, affine);
    rewriter.node(producer).norm = StatisticsOf(rewriter, i);
    rewriter.Absorb(producer, i);
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
