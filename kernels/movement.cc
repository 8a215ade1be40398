#include "kernels/movement.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <initializer_list>

namespace qrun::kernels {
namespace {

// exp(x) for x <= 0: 2^k * p(r) with k = round(x / ln 2), r = x - k ln 2 in two parts, p of degree 6 (Cephes'
// expf has the same shape). Below -87 the result is 0 instead of a denormal.
float Exp(float x) {
  if (!(x > -87.0f)) return 0.0f;
  const float k = std::nearbyint(x * 1.44269504f);
  const float r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
  float p = 1.0f / 720.0f;
  for (float c : {1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f}) p = p * r + c;
  return std::bit_cast<float>(std::bit_cast<int32_t>(p) + (static_cast<int32_t>(k) << 23));
}

}  // namespace

void CoalesceAxes(StridedCopyArgs& args) {
  int used = 0;
  for (int axis = 0; axis < args.axes; ++axis) {
    if (args.extent[axis] == 1) continue;
    const bool joins = used > 0 && args.src_stride[used - 1] == args.src_stride[axis] * args.extent[axis] &&
                       args.dst_stride[used - 1] == args.dst_stride[axis] * args.extent[axis];
    const int at = joins ? used - 1 : used++;
    args.extent[at] = joins ? args.extent[at] * args.extent[axis] : args.extent[axis];
    args.src_stride[at] = args.src_stride[axis];
    args.dst_stride[at] = args.dst_stride[axis];
  }
  if (used == 0) {
    args.extent[0] = 1;
    args.src_stride[0] = args.dst_stride[0] = 1;
    used = 1;
  }
  args.axes = used;
}

void fill(const FillArgs& args, int begin, int end, std::byte*) noexcept {
  if (args.element_bytes == 1) {
    std::memset(args.dst + begin, static_cast<int>(args.value & 255), static_cast<size_t>(end - begin));
    return;
  }
  for (int i = begin; i < end; ++i) std::memcpy(args.dst + int64_t{i} * 4, &args.value, 4);
}

void softmax_f32(const SoftmaxArgs& args, int begin, int end, std::byte*) noexcept {
  for (int row = begin; row < end; ++row) {
    const float* src = args.src + int64_t{row} * args.inner;
    float* dst = args.dst + int64_t{row} * args.inner;
    float max = src[0];
    for (int i = 1; i < args.inner; ++i) max = src[i] > max ? src[i] : max;
    float sum = 0;
    for (int i = 0; i < args.inner; ++i) {
      const float value = Exp(src[i] - max);
      dst[i] = value;
      sum += value;
    }
    for (int i = 0; i < args.inner; ++i) dst[i] /= sum;
  }
}

}  // namespace qrun::kernels
