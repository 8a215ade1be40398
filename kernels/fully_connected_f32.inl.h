// fully_connected_f32: rows times a weight matrix; see FullyConnectedF32Args. The order of the sum, and
// whether it is fused, is not specified.
#ifndef QRUN_KERNELS_FULLY_CONNECTED_F32_INL_H_
#define QRUN_KERNELS_FULLY_CONNECTED_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// On weights packed for kScalarConvF32Packing, i.e. [oc, ic]; a work item is one output channel.
inline void FullyConnectedF32Reference(const FullyConnectedF32Args& a, int begin, int end) noexcept {
  for (int row = 0; row < a.rows; ++row) {
    for (int oc = begin; oc < end; ++oc) {
      const float* src = a.src + static_cast<ptrdiff_t>(row) * a.ic;
      const float* wei = a.wei + static_cast<ptrdiff_t>(oc) * a.ic;
      float acc = a.bia[oc];
      for (int ic = 0; ic < a.ic; ++ic) acc += src[ic] * wei[ic];
      a.dst[static_cast<ptrdiff_t>(row) * a.oc + oc] = ClampF32(acc, a.lo, a.hi);
    }
  }
}

template <class Tag>
void fully_connected_f32(const FullyConnectedF32Args& args, int begin, int end, std::byte*) noexcept {
  FullyConnectedF32Reference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_FULLY_CONNECTED_F32_INL_H_
