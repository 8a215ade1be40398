#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

// Half-pixel taps of one axis; nearest if not bilinear.
std::vector<ResizeTap> Taps(int in, int out, bool bilinear) {
  std::vector<ResizeTap> taps;
  for (int o = 0; o < out; ++o) {
    const float at = std::max(
        0.0f, (static_cast<float>(o) + 0.5f) * static_cast<float>(in) / static_cast<float>(out) - 0.5f);
    const int i = std::min(static_cast<int>(at), in - 1);
    taps.push_back({i, std::min(i + 1, in - 1), bilinear ? at - static_cast<float>(i) : 0.0f});
  }
  return taps;
}

struct ResizeCase {
  int n, ih, iw, oh, ow;
  bool bilinear;
};
constexpr ResizeCase kCases[] = {{2, 3, 4, 6, 8, true}, {1, 5, 5, 3, 2, true}, {1, 3, 3, 7, 5, false},
                                 {1, 1, 1, 3, 3, true}, {1, 4, 4, 5, 9, true}, {2, 3, 50, 4, 131, true}};

template <class T, class Args>
std::vector<T> RunCase(Kernel<Args> kernel, const ResizeCase& c, int channels, const std::vector<T>& src) {
  const auto rows = Taps(c.ih, c.oh, c.bilinear), cols = Taps(c.iw, c.ow, c.bilinear);
  Args args = {.n = c.n,
               .ih = c.ih,
               .iw = c.iw,
               .oh = c.oh,
               .ow = c.ow,
               .c = channels,
               .rows = rows.data(),
               .cols = cols.data(),
               .src = src.data()};
  return RunWhole<T>(kernel, args, c.n * c.oh, 0, static_cast<size_t>(c.n * c.oh * c.ow * channels));
}

TEST(AgainstReference, resize_s8) {
  for (int channels : LaneEdges()) {
    for (const ResizeCase& c : kCases) {
      const auto src =
          Random(static_cast<uint32_t>(channels)).Bytes(static_cast<size_t>(c.n * c.ih * c.iw * channels));
      const auto want = RunCase(Reference().resize_s8, c, channels, src);
      for (const KernelTable* table : TestedTables()) {
        SCOPED_TRACE(std::string(table->isa) + " c " + std::to_string(channels));
        ExpectSame(want, RunCase(table->resize_s8, c, channels, src));
      }
    }
  }
}

TEST(AgainstReference, resize_f32) {
  for (int channels : LaneEdges()) {
    for (const ResizeCase& c : kCases) {
      auto src =
          Random(static_cast<uint32_t>(channels)).Floats(static_cast<size_t>(c.n * c.ih * c.iw * channels));
      const auto want = RunCase(Reference().resize_f32, c, channels, src);
      for (const KernelTable* table : TestedTables()) {
        SCOPED_TRACE(std::string(table->isa) + " c " + std::to_string(channels));
        EXPECT_LE(LargestDifference(want, RunCase(table->resize_f32, c, channels, src)), 1e-6);
      }
      for (float& v : src) v += 1e-4f;
      EXPECT_GT(LargestDifference(want, RunCase(Reference().resize_f32, c, channels, src)), 1e-6);
    }
  }
}

TEST(Resize, ReferenceByHand) {
  const int8_t src[] = {0, 10, 20, 25};
  const ResizeTap rows[] = {{0, 1, 0.5f}}, cols[] = {{0, 1, 0.25f}, {0, 1, 0.5f}, {1, 1, 0.75f}};
  int8_t dst[3];
  Reference().resize_s8(
      {.ih = 2, .iw = 2, .oh = 1, .ow = 3, .rows = rows, .cols = cols, .src = src, .dst = dst}, 0, 1,
      nullptr);
  EXPECT_EQ(dst[0], 12);  // top 2.5, bottom 21.25, between 11.875
  EXPECT_EQ(dst[1], 14);  // 5 and 22.5: 13.75
  EXPECT_EQ(dst[2], 18);  // 10 and 25: 17.5 to even
}

}  // namespace
}  // namespace qrun::kernels
