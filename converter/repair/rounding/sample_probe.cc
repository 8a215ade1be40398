#include "converter/repair/rounding/sample_probe.h"

#include <algorithm>

#include "converter/emit.h"
#include "converter/repair/rounding/parallel.h"

namespace qrun::converter {

Graph PartThatMakes(const Graph& graph, const std::vector<ValueId>& values) {
  Graph part = graph;
  part.nodes.clear();
  part.outputs.clear();
  std::vector<bool> needed(graph.values.size(), false);
  for (ValueId id : values) needed[id] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) { return needed[id]; }))
      continue;
    for (ValueId id : node.inputs) {
      if (id != kNoValue) needed[id] = true;
    }
    part.nodes.push_back(node);
  }
  std::reverse(part.nodes.begin(), part.nodes.end());
  for (ValueId id : values) {
    if (std::find(part.outputs.begin(), part.outputs.end(), id) == part.outputs.end())
      part.outputs.push_back(id);
  }
  return part;
}

Status ProbeSamples(const Graph& graph, const std::vector<ValueId>& values, size_t samples, int threads,
                    const std::function<Status(size_t, Session&)>& load,
                    const std::function<void(size_t, size_t, std::span<const std::byte>)>& see) {
  const Graph part = PartThatMakes(graph, values);
  QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(part, {}));
  QRUN_ASSIGN_OR_RETURN(const Model model, Model::FromBytes(file.bytes));
  SessionOptions options;
  options.reproducible_float = true;
  std::vector<Session> sessions;
  for (int worker = 0; worker < threads; ++worker) {
    QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
    sessions.push_back(std::move(session));
  }
  std::vector<Status> failed(sessions.size());
  Parallel(threads).Run(threads, [&](int worker) {
    Session& session = sessions[static_cast<size_t>(worker)];
    Status& status = failed[static_cast<size_t>(worker)];
    for (size_t s = static_cast<size_t>(worker); s < samples && status.ok(); s += sessions.size()) {
      status = load(s, session);
      if (!status.ok()) break;
      session.Run();
      for (size_t k = 0; k < values.size(); ++k) {
        const auto output = std::find(part.outputs.begin(), part.outputs.end(), values[k]);
        see(s, k, session.OutputBytes(static_cast<int>(output - part.outputs.begin())));
      }
    }
  });
  for (Status& status : failed) QRUN_RETURN_IF_ERROR(std::move(status));
  return Status::Ok();
}

}  // namespace qrun::converter
