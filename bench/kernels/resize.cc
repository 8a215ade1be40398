// Doubling the size of MobileNetV2's activations, as segmentation and detection heads on it do.
#include "bench/kernels/cases.inl.h"
#include "bench/kernels/shapes.h"

namespace qrun::bench {
namespace {

using namespace kernels;

struct Extent {
  int in, c;
};
constexpr Extent kExtents[] = {{7, 320}, {28, 32}, {28, 8}, {56, 3}, {56, 1}};

std::vector<ResizeTap> Taps(int in) {
  std::vector<ResizeTap> taps;
  for (int o = 0; o < 2 * in; ++o) {
    const float at = std::max(0.0f, (static_cast<float>(o) + 0.5f) / 2 - 0.5f);
    const int i = std::min(static_cast<int>(at), in - 1);
    taps.push_back({i, std::min(i + 1, in - 1), at - static_cast<float>(i)});
  }
  return taps;
}

template <class Args, class T>
Call<Args, T> Prepare(const Extent& e, const std::vector<T>& values) {
  struct Memory {
    std::vector<T> src;
    std::vector<ResizeTap> taps;
  };
  auto memory = std::make_shared<Memory>(Memory{values, Taps(e.in)});
  Call<Args, T> call;
  call.args.ih = call.args.iw = e.in;
  call.args.oh = call.args.ow = 2 * e.in;
  call.args.c = e.c;
  call.args.rows = call.args.cols = memory->taps.data();
  call.args.src = memory->src.data();
  call.items = 2 * e.in;
  call.dst_count = static_cast<size_t>(4 * e.in * e.in * e.c);
  call.memory = memory;
  return call;
}

template <class Args, class T>
void AddResize(const char* kernel, KernelMember<Args> member, std::vector<T> (*random)(size_t, uint32_t),
               double tolerance, std::vector<Row>& rows) {
  for (const Extent& e : kExtents) {
    const int count = e.in * e.in * e.c;
    Case<Args, T> c;
    c.shape = Cat(e.in, "x", e.c, "_x2");
    c.bytes = 5.0 * count * sizeof(T);
    c.tolerance = tolerance;
    c.prepare = [=](const KernelTable&) {
      return Prepare<Args, T>(e, random(static_cast<size_t>(count), 1));
    };
    AddRows(kernel, member, std::move(c), rows);
  }
}

}  // namespace

void Add_resize_s8(std::vector<Row>& rows) {
  AddResize<ResizeS8Args, int8_t>("resize_s8", &KernelTable::resize_s8, RandomBytes, 0, rows);
}
void Add_resize_f32(std::vector<Row>& rows) {
  AddResize<ResizeF32Args, float>("resize_f32", &KernelTable::resize_f32, RandomFloats, 1e-6, rows);
}

}  // namespace qrun::bench
