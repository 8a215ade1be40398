#include "converter/passes/pass_functions.h"
#include "converter/passes/rewriter.h"

namespace qrun::converter {
namespace {

// Adds the padding of an NCHW image to a window's.
template <class Options>
void AddPads(const fb::PadT& pad, Options& op) {
  op.pad_top += pad.before[2];
  op.pad_bottom += pad.after[2];
  op.pad_left += pad.before[3];
  op.pad_right += pad.after[3];
}

bool HasPads(const fb::Pool2DT& op) { return op.pad_top || op.pad_bottom || op.pad_left || op.pad_right; }

// Whether the pool may carry the padding: a window that sees nothing but padding has no maximum and no
// average.
bool PadsFitWindow(const fb::PadT& pad, const fb::Pool2DT& op) {
  return op.pad_top + pad.before[2] < op.kernel_h && op.pad_bottom + pad.after[2] < op.kernel_h &&
         op.pad_left + pad.before[3] < op.kernel_w && op.pad_right + pad.after[3] < op.kernel_w;
}

bool FoldIntoPool(const fb::PadT& pad, float least, fb::Pool2DT& op) {
  if (!PadsFitWindow(pad, op)) return false;
  if (op.kind == fb::PoolKind::Max) {
    if (pad.value > least) return false;  // a padded pixel could win
  } else {
    // The average counted the zeros as pixels, and its own padding only with count_include_pad.
    if (pad.value != 0 || (HasPads(op) && !op.count_include_pad)) return false;
    op.count_include_pad = true;
  }
  AddPads(pad, op);
  return true;
}

// The least value that a node can give; lowest() where nothing is known.
float LeastValue(Rewriter& rewriter, int i) {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  if (i < 0 || rewriter.removed(i)) return kLowest;
  if (const auto* unary = rewriter.As<fb::UnaryT>(i); unary && unary->kind == fb::UnaryKind::Clamp)
    return unary->alpha;
  const std::unique_ptr<fb::Clamp>* clamp = ClampOf(rewriter.node(i).options);
  return clamp && *clamp ? (*clamp)->min() : kLowest;
}

}  // namespace

Result<int> FoldPad(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    auto* conv = rewriter.As<fb::Conv2DT>(i);
    auto* pool = rewriter.As<fb::Pool2DT>(i);
    if (!conv && !pool) continue;
    const int producer = rewriter.OwnProducer(i, 0);
    const auto* pad = rewriter.As<fb::PadT>(producer);
    if (!pad || pad->before[0] || pad->after[0] || pad->before[1] || pad->after[1]) continue;
    const ValueId src = rewriter.node(producer).inputs[0];
    if (conv) {
      // Padding behind input dilation is not the same as before it.
      if (pad->value != 0 || conv->input_dilation_h != 1 || conv->input_dilation_w != 1) continue;
      if (conv->pad_top < 0 || conv->pad_bottom < 0 || conv->pad_left < 0 || conv->pad_right < 0) continue;
      AddPads(*pad, *conv);
    } else if (!FoldIntoPool(*pad, LeastValue(rewriter, rewriter.Producer(src)), *pool)) {
      continue;
    }
    rewriter.RemoveAndForward(producer, src);
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
