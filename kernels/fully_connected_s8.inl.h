// fully_connected_s8: rows times a weight matrix; see FullyConnectedS8Args. Exact: sums wrap modulo 2^32, and
// the true sum fits int32.
#ifndef QRUN_KERNELS_FULLY_CONNECTED_S8_INL_H_
#define QRUN_KERNELS_FULLY_CONNECTED_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"

namespace qrun::kernels {
namespace {

// The specification, on weights packed for kScalarConvPacking, i.e. [oc, ic]; a work item is one output
// channel.
inline void FullyConnectedS8Reference(const FullyConnectedS8Args& a, int begin, int end) noexcept {
  for (int row = 0; row < a.rows; ++row) {
    for (int oc = begin; oc < end; ++oc) {
      uint32_t acc = static_cast<uint32_t>(a.bia[oc]);
      for (int ic = 0; ic < a.ic; ++ic) {
        const int product =
            a.src[static_cast<ptrdiff_t>(row) * a.ic + ic] * a.wei[static_cast<ptrdiff_t>(oc) * a.ic + ic];
        acc += static_cast<uint32_t>(product);
      }
      a.dst[static_cast<ptrdiff_t>(row) * a.oc + oc] =
          Requantize(static_cast<int32_t>(acc), a.scale[oc], a.dst_zp, a.lo, a.hi);
    }
  }
}

template <class Tag>
size_t fully_connected_s8_scratch_bytes(const FullyConnectedS8Args&) noexcept {
  return 0;
}

template <class Tag>
void fully_connected_s8(const FullyConnectedS8Args& args, int begin, int end, std::byte*) noexcept {
  FullyConnectedS8Reference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_FULLY_CONNECTED_S8_INL_H_
