#include "converter/evaluate_constant.h"
#include "converter/passes/pass_functions.h"
#include "converter/passes/rewriter.h"

namespace qrun::converter {

Result<int> ToDepthwise(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    auto* conv = rewriter.As<fb::Conv2DT>(i);
    if (!conv || conv->groups == 1 || conv->input_dilation_h != 1 || conv->input_dilation_w != 1) continue;
    std::vector<ValueId> inputs = rewriter.node(i).inputs;
    const Value& wei = rewriter.value(inputs[1]);
    if (wei.shape[0] != conv->groups || wei.shape[3] != 1) continue;
    fb::DepthwiseConv2DT op;
    op.stride_h = conv->stride_h;
    op.stride_w = conv->stride_w;
    op.dilation_h = conv->dilation_h;
    op.dilation_w = conv->dilation_w;
    op.pad_top = conv->pad_top;
    op.pad_left = conv->pad_left;
    op.pad_bottom = conv->pad_bottom;
    op.pad_right = conv->pad_right;
    op.clamp = std::move(conv->clamp);
    // [C,KH,KW,1] to [KH,KW,C].
    Value moved = TransposedConstant(wei, {3, 1, 2, 0});
    moved.shape.erase(moved.shape.begin());
    inputs[1] = rewriter.AddConstant(std::move(moved));
    rewriter.SetInputs(i, std::move(inputs));
    rewriter.node(i).options = std::move(op);
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
