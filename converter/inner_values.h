// The values that an operator names beside its inputs and outputs: what flows between the parts of a block.
#ifndef QRUN_CONVERTER_INNER_VALUES_H_
#define QRUN_CONVERTER_INNER_VALUES_H_

#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// Where the block keeps their ValueIds (kNoValue where absent); valid while the block lives.
std::vector<int*> InnerValues(fb::InvertedResidualT& block);
// None for other operators.
std::vector<int*> InnerValues(NodeOptions& options);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_INNER_VALUES_H_
