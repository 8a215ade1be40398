// What every test of a pass does: run it alone, check the graph, compare values before and after.
#ifndef QRUN_TESTS_CONVERTER_PASSES_PASS_CHECK_H_
#define QRUN_TESTS_CONVERTER_PASSES_PASS_CHECK_H_

#include <gtest/gtest.h>

#include <string_view>

#include "converter/infer_shapes.h"
#include "converter/passes/passes.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {

// Largest difference of any output on random inputs, both in the source's layout.
inline double Difference(const Graph& a, const Graph& b) {
  const auto inputs = RandomInputs(a, 99);
  const auto want = EvalInSourceLayout(a, inputs), got = EvalInSourceLayout(b, inputs);
  double largest = want.size() == got.size() ? 0 : 1;
  for (size_t i = 0; i < want.size(); ++i) largest = std::max(largest, MaxDifference(want[i], got[i]));
  return largest;
}

// Runs the pass on the graph: it must leave it valid and change no value by more than rounding. Returns its
// count.
inline int Apply(std::string_view pass, Graph& graph) {
  const Graph before = graph;
  const Result<int> count = RunPass(pass, graph);
  if (!count.ok()) {
    ADD_FAILURE() << count.error().message();
    return -1;
  }
  const Status status = ValidateGraph(graph);
  EXPECT_TRUE(status.ok()) << status.message();
  if (status.ok()) {
    EXPECT_LT(Difference(before, graph), 1e-5) << "after " << pass;
  }
  return *count;
}

// All passes, with the same demands.
inline Graph Canonical(const Graph& source) {
  Graph graph = source;
  const Status status = RunPasses(graph, {}, nullptr);
  EXPECT_TRUE(status.ok()) << status.message();
  if (status.ok()) {
    EXPECT_LT(Difference(source, graph), 1e-5);
  }
  return graph;
}

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_PASSES_PASS_CHECK_H_
