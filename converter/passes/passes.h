// Canonicalisation: rewrites an imported graph into the file's operators and layout without changing its
// meaning.
//
// passes/pass_list.inc lists the passes in order. A pass is a function on the graph that returns how many
// times it did what its row says, and can be run alone.
#ifndef QRUN_CONVERTER_PASSES_PASSES_H_
#define QRUN_CONVERTER_PASSES_PASSES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

enum class PassPhase {
  kSource,  // on the source's layout; repeated until no pass of the phase finds anything
  kLayout,  // once
  kFile,    // on the file's layout; repeated until no pass of the phase finds anything
};

struct Pass {
  std::string_view name;  // "fold_batch_norm"
  std::string_view what;  // "BatchNorm folded": what the count counts
  PassPhase phase;
  Result<int> (*run)(Graph&);
};

// All passes in order.
std::span<const Pass> Passes();

// Runs one pass by its name. Errors: invalid_argument for an unknown name, and the pass's own.
Result<int> RunPass(std::string_view name, Graph& graph);

struct PassOptions {
  // Checks order, indices and shapes of the whole graph after every pass; an error then names the pass.
  bool check_each_pass = true;
};

struct PassReport {
  struct Entry {
    std::string name;
    std::string what;
    int count = 0;
  };
  std::vector<Entry> entries;  // one per pass, in order

  // "52 BatchNorm folded, 35 activations fused": the passes that did something.
  std::string Summary() const;
};

// Runs all passes on a float graph as imported. Afterwards graph.layout is kNhwc and every node is an
// operator of the schema. Blocks are not fused here: the driver calls FuseInvertedResidual
// (fuse_inverted_residual.h) after quantisation. Errors: unsupported (names the node that has no form in the
// file), internal (a pass broke the graph). `report` may be null. On error the graph is left half-rewritten:
// drop it.
Status RunPasses(Graph& graph, const PassOptions& options, PassReport* report);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_PASSES_H_
