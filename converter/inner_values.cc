#include "converter/inner_values.h"

namespace qrun::converter {

std::vector<int*> InnerValues(fb::InvertedResidualT& block) {
  std::vector<int*> inner = {&block.expanded, &block.filtered, &block.projected};
  for (fb::PartFunctionT* function : {block.expand_function.get(), block.depthwise_function.get()}) {
    if (function) inner.push_back(&function->result);
  }
  return inner;
}

std::vector<int*> InnerValues(NodeOptions& options) {
  auto* block = std::get_if<fb::InvertedResidualT>(&options);
  return block ? InnerValues(*block) : std::vector<int*>();
}

}  // namespace qrun::converter
