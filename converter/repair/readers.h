// Who reads what.
#ifndef QRUN_CONVERTER_REPAIR_READERS_H_
#define QRUN_CONVERTER_REPAIR_READERS_H_

#include <cstddef>
#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// Per value: the indices of the nodes that read it, in order, once for every time they do.
inline std::vector<std::vector<size_t>> ReadersOf(const Graph& graph) {
  std::vector<std::vector<size_t>> readers(graph.values.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) readers[id].push_back(i);
    }
  }
  return readers;
}

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_READERS_H_
