// strided_copy: moves bytes or floats between strided tensors; see StridedCopyArgs.
#ifndef QRUN_KERNELS_STRIDED_COPY_INL_H_
#define QRUN_KERNELS_STRIDED_COPY_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/transpose.inl.h"

namespace qrun::kernels {
namespace {

// Element by element: the specification.
template <class T>
void CopyElements(const StridedCopyArgs& args, int axis, const T* src, T* dst) {
  const int64_t from = args.src_stride[axis], to = args.dst_stride[axis];
  for (int64_t i = 0; i < args.extent[axis]; ++i) {
    if (axis < args.axes - 1 && axis < kMaxAxes - 1) {  // the second for the compiler's bounds check
      CopyElements(args, axis + 1, src + i * from, dst + i * to);
    } else if constexpr (sizeof(T) == 1) {
      dst[i * to] = args.table != nullptr ? args.table[src[i * from] + 128] : src[i * from];
    } else {
      dst[i * to] = src[i * from];
    }
  }
}

// `rows` contiguous runs of `count` bytes through a table. What whole registers of a run leave is mapped with
// the bytes before it, again.
template <class Tag>
void MapRuns(const int8_t* entries, int64_t rows, int64_t src_stride, int64_t dst_stride, int64_t count,
             const int8_t* src, int8_t* dst) {
  using Ops = S8<Tag>;
  const typename Ops::ByteTable table(entries);
  for (; rows > 0; --rows, src += src_stride, dst += dst_stride) {
    if (count < Ops::kBytes) {
      const int part = static_cast<int>(count);
      Ops::template StorePartOf<0, 1>(dst, table(Ops::LoadBytesPart(src, part)), part);
      continue;
    }
    for (int64_t i = 0; i < count; i += Ops::kBytes) {
      const int64_t at = i < count - Ops::kBytes ? i : count - Ops::kBytes;
      Ops::StoreBytes(dst + at, table(Ops::LoadBytes(src + at)));
    }
  }
}

// Axis by axis; contiguous runs, and the two innermost axes of a transposition, at once.
template <class Tag, class T>
void CopyAxes(const StridedCopyArgs& args, int axis, const T* src, T* dst) {
  const int64_t count = args.extent[axis], from = args.src_stride[axis], to = args.dst_stride[axis];
  const int last = args.axes - 1;
  const bool runs = args.src_stride[last] == 1 && args.dst_stride[last] == 1;
  if (axis == last) {
    if (!runs) return CopyElements(args, axis, src, dst);
    if constexpr (sizeof(T) == 1) {
      if (args.table != nullptr) return MapRuns<Tag>(args.table, 1, 0, 0, count, src, dst);
    }
    return CopyBytes(dst, src, static_cast<ptrdiff_t>(count * static_cast<int64_t>(sizeof(T))));
  }
  if (axis == last - 1 && args.table == nullptr && from == 1 && args.dst_stride[last] == 1) {
    return TransposePlane(TransposeArgs<T>{count, args.extent[last], args.src_stride[last], to, src, dst});
  }
  if constexpr (sizeof(T) == 1) {
    if (axis == last - 1 && args.table != nullptr && runs) {
      return MapRuns<Tag>(args.table, count, from, to, args.extent[last], src, dst);
    }
  }
  for (int64_t i = 0; i < count; ++i) CopyAxes<Tag>(args, axis + 1, src + i * from, dst + i * to);
}

template <class Tag, class T>
void StridedCopy(const StridedCopyArgs& args, int begin, int end) {
  StridedCopyArgs part = args;
  part.extent[0] = end - begin;
  const T* src = static_cast<const T*>(args.src) + begin * args.src_stride[0];
  T* dst = static_cast<T*>(args.dst) + begin * args.dst_stride[0];
  if constexpr (Tag::kScalar) {
    CopyElements(part, 0, src, dst);
  } else {
    CopyAxes<Tag>(part, 0, src, dst);
  }
}

template <class Tag>
void strided_copy(const StridedCopyArgs& args, int begin, int end, std::byte*) noexcept {
  if (args.element_bytes == 1) {
    StridedCopy<Tag, int8_t>(args, begin, end);
  } else {
    StridedCopy<Tag, int32_t>(args, begin, end);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_STRIDED_COPY_INL_H_
