// What chosen activations of a graph are, sample by sample.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_SAMPLE_PROBE_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_SAMPLE_PROBE_H_

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "converter/graph.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

// The part of `graph` that makes `values` (activations), which become its outputs; the inputs stay.
Graph PartThatMakes(const Graph& graph, const std::vector<ValueId>& values);

// Runs the graph's part that makes `values` on samples [0, samples), on up to `threads` threads of one
// session each. load(sample, session) sets the inputs, from several threads at once; see(sample, k, bytes)
// gets values[k], likewise, each sample from one thread. The values depend neither on `threads` nor on the
// CPU. Precondition: `values` is not empty and holds no inputs of the graph. Errors: those of EmitModel and
// Session::Create, and of `load`.
Status ProbeSamples(const Graph& graph, const std::vector<ValueId>& values, size_t samples, int threads,
                    const std::function<Status(size_t sample, Session& session)>& load,
                    const std::function<void(size_t sample, size_t k, std::span<const std::byte>)>& see);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_SAMPLE_PROBE_H_
