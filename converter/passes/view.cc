#include "converter/passes/view.h"

#include <algorithm>

namespace qrun::converter {

View PlainView(ValueId stored, const Shape& shape, const std::vector<int>& perm) {
  View view;
  view.stored = stored;
  view.dims.resize(shape.size());
  for (int axis : perm) {
    if (shape[axis] == 1) continue;
    view.dims[axis].push_back(static_cast<int>(view.extent.size()));
    view.extent.push_back(shape[axis]);
  }
  return view;
}

std::vector<int> AtomOrder(const View& view, const std::vector<int>& perm) {
  std::vector<int> atoms;
  for (int axis : perm) atoms.insert(atoms.end(), view.dims[axis].begin(), view.dims[axis].end());
  return atoms;
}

bool IsStoredAs(const View& view, const std::vector<int>& perm) {
  const std::vector<int> atoms = AtomOrder(view, perm);
  return std::is_sorted(atoms.begin(), atoms.end());
}

std::optional<std::vector<int>> StoredOrder(const View& view) {
  std::vector<int> perm;
  for (size_t axis = 0; axis < view.dims.size(); ++axis) perm.push_back(static_cast<int>(axis));
  // Axes without atoms fit anywhere; they stay behind the axis that they follow in the source.
  std::vector<int> key(perm.size(), -1);
  for (size_t axis = 0; axis < key.size(); ++axis) {
    if (!view.dims[axis].empty()) {
      key[axis] = view.dims[axis][0];
    } else if (axis > 0) {
      key[axis] = key[axis - 1];
    }
  }
  std::stable_sort(perm.begin(), perm.end(), [&](int a, int b) { return key[a] < key[b]; });
  if (perm.empty() || perm[0] != 0 || !IsStoredAs(view, perm)) return std::nullopt;
  return perm;
}

std::optional<View> Reshaped(const View& view, const Shape& shape) {
  // Atoms in the source's order, cut where the new axes begin.
  struct Piece {
    int atom;
    int64_t extent;
  };
  std::vector<Piece> pieces;
  for (const std::vector<int>& atoms : view.dims) {
    for (int atom : atoms) pieces.push_back({atom, view.extent[atom]});
  }
  std::vector<std::vector<size_t>> axes(shape.size());
  size_t at = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    int64_t rest = shape[axis];
    while (rest > 1) {
      if (at == pieces.size()) return std::nullopt;
      if (pieces[at].extent % rest == 0 && pieces[at].extent != rest) {
        const Piece inner{pieces[at].atom, pieces[at].extent / rest};
        pieces[at].extent = rest;
        pieces.insert(pieces.begin() + at + 1, inner);
      }
      if (rest % pieces[at].extent != 0) return std::nullopt;
      rest /= pieces[at].extent;
      axes[axis].push_back(at++);
    }
  }
  // Number the pieces as they are stored: by atom, and within an atom in the source's order.
  std::vector<size_t> order;
  for (size_t i = 0; i < pieces.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return pieces[a].atom < pieces[b].atom; });
  View out;
  out.stored = view.stored;
  std::vector<int> number(pieces.size());
  for (size_t i : order) {
    number[i] = static_cast<int>(out.extent.size());
    out.extent.push_back(pieces[i].extent);
  }
  out.dims.resize(shape.size());
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    for (size_t piece : axes[axis]) out.dims[axis].push_back(number[piece]);
  }
  return out;
}

View Transposed(const View& view, const std::vector<int>& perm) {
  View out = view;
  for (size_t i = 0; i < perm.size(); ++i) out.dims[i] = view.dims[perm[i]];
  return out;
}

}  // namespace qrun::converter
