#include "converter/passes/pass_functions.h"
#include "converter/passes/rewriter.h"

namespace qrun::converter {

Result<int> FuseActivations(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    const auto* op = rewriter.As<fb::UnaryT>(i);
    if (!op || op->kind != fb::UnaryKind::Clamp) continue;
    const int producer = rewriter.OwnProducer(i, 0);
    if (producer < 0 || rewriter.removed(producer)) continue;
    if (auto* before = rewriter.As<fb::UnaryT>(producer)) {
      if (before->kind != fb::UnaryKind::Clamp) continue;
      std::unique_ptr<fb::Clamp> clamp = std::make_unique<fb::Clamp>(before->alpha, before->beta);
      ApplyClamp(clamp, op->alpha, op->beta);
      before->alpha = clamp->min();
      before->beta = clamp->max();
    } else {
      std::unique_ptr<fb::Clamp>* clamp = ClampOf(rewriter.node(producer).options);
      if (!clamp) continue;
      ApplyClamp(*clamp, op->alpha, op->beta);
    }
    rewriter.Absorb(producer, i);
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
