#include <algorithm>
#include <limits>

#include "converter/passes/pass_functions.h"
#include "converter/passes/rewriter.h"

namespace qrun::converter {
namespace {

bool IsNoOp(const Identity&, const Shape&, const Shape&) { return true; }
bool IsNoOp(const fb::ReshapeT&, const Shape& in, const Shape& out) { return in == out; }
bool IsNoOp(const fb::TransposeT& op, const Shape&, const Shape&) {
  return std::is_sorted(op.perm.begin(), op.perm.end());
}
bool IsNoOp(const fb::SliceT&, const Shape& in, const Shape& out) { return in == out; }
bool IsNoOp(const fb::PadT&, const Shape& in, const Shape& out) { return in == out; }
bool IsNoOp(const fb::Resize2DT&, const Shape& in, const Shape& out) { return in == out; }
bool IsNoOp(const fb::UnaryT& op, const Shape&, const Shape&) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return op.kind == fb::UnaryKind::Clamp && op.alpha == -kInfinity && op.beta == kInfinity;
}
bool IsNoOp(const fb::Pool2DT& op, const Shape& in, const Shape& out) {
  return op.kernel_h == 1 && op.kernel_w == 1 && !op.clamp && in == out;
}
template <class Other>
bool IsNoOp(const Other&, const Shape&, const Shape&) {
  return false;
}

}  // namespace

Result<int> RemoveNoOps(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    Node& node = rewriter.node(i);
    const ValueId in = node.inputs[0], out = node.outputs[0];
    const bool single_concat = std::holds_alternative<fb::ConcatT>(node.options) && node.inputs.size() == 1;
    const bool no_op =
        single_concat ||
        std::visit(
            [&](const auto& op) { return IsNoOp(op, graph.values[in].shape, graph.values[out].shape); },
            node.options);
    if (!no_op) continue;
    // A graph output keeps its name: the value before it takes its place only if that is neither input nor
    // output.
    const bool is_output = std::count(graph.outputs.begin(), graph.outputs.end(), out) > 0;
    const int producer = rewriter.Producer(in);
    if (is_output) {
      if (producer < 0 || rewriter.ReadCount(in) != 1) continue;
      rewriter.Absorb(producer, i);
    } else {
      rewriter.RemoveAndForward(i, in);
    }
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
