// table_s8: dst[i] = table[src[i] + 128]; see TableS8Args. dst may be src.
#ifndef QRUN_KERNELS_TABLE_S8_INL_H_
#define QRUN_KERNELS_TABLE_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

inline void TableS8Reference(const TableS8Args& args, int begin, int end) noexcept {
  for (int i = begin; i < end; ++i) args.dst[i] = args.table[args.src[i] + 128];
}

template <class Tag>
void TableS8Simd(const TableS8Args& args, int begin, int end) noexcept {
  using Ops = S8<Tag>;
  const typename Ops::ByteTable table(args.table);
  int i = begin;
  for (; end - i >= Ops::kBytes; i += Ops::kBytes)
    Ops::StoreBytes(args.dst + i, table(Ops::LoadBytes(args.src + i)));
  if (i < end) {
    Ops::template StorePartOf<0, 1>(args.dst + i, table(Ops::LoadBytesPart(args.src + i, end - i)), end - i);
  }
}

template <class Tag>
void table_s8(const TableS8Args& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    TableS8Reference(args, begin, end);
  } else {
    TableS8Simd<Tag>(args, begin, end);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_TABLE_S8_INL_H_
