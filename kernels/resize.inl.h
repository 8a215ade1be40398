// resize_s8 and resize_f32: two taps per axis; see ResizeTap. With v[y][x] the four neighbours as binary32,
//   top = v[0][0] + (v[0][1] - v[0][0]) * col.w1;  bottom likewise;  dst = top + (bottom - top) * row.w1
// each operation rounded to binary32. int8 rounds the result half to even and is exact; both quantisations
// are equal, so the zero point drops out.
#ifndef QRUN_KERNELS_RESIZE_INL_H_
#define QRUN_KERNELS_RESIZE_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline float Interpolate(float v0, float v1, float w1) { return v0 + (v1 - v0) * w1; }

inline void StoreResized(float value, float* dst) { *dst = value; }
inline void StoreResized(float value, int8_t* dst) { *dst = RoundAndClamp(value, 0, -128, 127); }

template <class Args>
void ResizeReference(const Args& a, int begin, int end) noexcept {
  for (int row = begin; row < end; ++row) {
    const int n = row / a.oh, oy = row % a.oh;
    const ResizeTap& y = a.rows[oy];
    for (int ox = 0; ox < a.ow; ++ox) {
      const ResizeTap& x = a.cols[ox];
      for (int c = 0; c < a.c; ++c) {
        float side[2];
        for (int i = 0; i < 2; ++i) {
          const int iy = i == 0 ? y.i0 : y.i1;
          side[i] =
              Interpolate(static_cast<float>(a.src[PixelOffset(n, iy, x.i0, a.ih, a.iw, a.c) + c]),
                          static_cast<float>(a.src[PixelOffset(n, iy, x.i1, a.ih, a.iw, a.c) + c]), x.w1);
        }
        StoreResized(Interpolate(side[0], side[1], y.w1),
                     a.dst + PixelOffset(n, oy, ox, a.oh, a.ow, a.c) + c);
      }
    }
  }
}

template <class Tag>
void resize_s8(const ResizeS8Args& args, int begin, int end, std::byte*) noexcept {
  ResizeReference(args, begin, end);
}

template <class Tag>
void resize_f32(const ResizeF32Args& args, int begin, int end, std::byte*) noexcept {
  ResizeReference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_RESIZE_INL_H_
