// A value of the source seen through a rearranged value of the new graph, so that Transposes and Reshapes of
// the source cost nothing until an operator insists on an order.
#ifndef QRUN_CONVERTER_PASSES_VIEW_H_
#define QRUN_CONVERTER_PASSES_VIEW_H_

#include <optional>
#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// The source's axes are cut into atoms: factors that are stored as a whole. Axis d, read row-major, is
// dims[d], outermost atom first; atoms are numbered in the order in which the stored value holds them.
// Extents of 1 have no atoms, so the batch has none. Example: [1,C,H,W] stored as NHWC has extent {H,W,C},
// dims {{},{2},{0},{1}}.
struct View {
  ValueId stored = kNoValue;
  std::vector<int64_t> extent;
  std::vector<std::vector<int>> dims;
};

// The view of a value of `shape` that is stored with its axes in the order `perm`.
View PlainView(ValueId stored, const Shape& shape, const std::vector<int>& perm);

// Atoms of the axes perm[0], perm[1], ... one after the other.
std::vector<int> AtomOrder(const View& view, const std::vector<int>& perm);

// Whether the stored elements stand in the order of the axes `perm`.
bool IsStoredAs(const View& view, const std::vector<int>& perm);

// An order of axes in which the elements stand, the batch first; nullopt if an axis is torn apart.
std::optional<std::vector<int>> StoredOrder(const View& view);

// The view of the same elements under another source shape; nullopt if extents share no common factors, as in
// [6,4] -> [8,3] with the 4 and the 6 apart.
std::optional<View> Reshaped(const View& view, const Shape& shape);

// The view after a Transpose of the source.
View Transposed(const View& view, const std::vector<int>& perm);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_VIEW_H_
