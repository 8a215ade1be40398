#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

using Member = Kernel<PoolF32Args> KernelTable::*;

// Both forms add in the same order and round alike: equal bits.
void ExpectEqualOnAllIsas(Member kernel, const ConvShape& shape, int c, bool count_include_pad) {
  PoolF32Args args = {.window = shape.ToWindow(),
                      .c = c,
                      .pad_bottom = shape.pad[2],
                      .pad_right = shape.pad[3],
                      .count_include_pad = count_include_pad,
                      .lo = -0.9f,
                      .hi = 0.8f};
  const Window& w = args.window;
  const auto src = Random(static_cast<uint32_t>(c)).Floats(static_cast<size_t>(w.n * w.ih * w.iw * c));
  args.src = src.data();
  const size_t count = static_cast<size_t>(w.n * w.oh * w.ow * c);
  const auto want = RunWhole<float>(Reference().*kernel, args, w.n * w.oh, 0, count);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(std::string(table->isa) + " " + shape.name + " c " + std::to_string(c));
    EXPECT_EQ(want, RunWhole<float>(table->*kernel, args, w.n * w.oh, 0, count));
  }
}

const std::vector<ConvShape>& PoolShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "2x2", .n = 2, .in = {6, 8}, .kernel = {2, 2}, .stride = {2, 2}},
      {.name = "3x3s2", .in = {9, 9}, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}},
      {.name = "global", .in = {7, 7}, .kernel = {7, 7}},
      {.name = "empty_windows", .in = {2, 2}, .kernel = {2, 2}, .pad = {3, 3, 3, 3}},
  };
  return shapes;
}

TEST(AgainstReference, maxpool_f32) {
  for (const ConvShape& shape : PoolShapes()) {
    for (int c : LaneEdges()) ExpectEqualOnAllIsas(&KernelTable::maxpool_f32, shape, c, false);
  }
  for (const ConvShape& shape : WindowShapes())
    ExpectEqualOnAllIsas(&KernelTable::maxpool_f32, shape, 20, false);
}

TEST(AgainstReference, avgpool_f32) {
  for (const ConvShape& shape : PoolShapes()) {
    for (int c : LaneEdges()) {
      ExpectEqualOnAllIsas(&KernelTable::avgpool_f32, shape, c, false);
      ExpectEqualOnAllIsas(&KernelTable::avgpool_f32, shape, c, true);
    }
  }
}

// NaN, infinities and signed zeros: the same bits on every ISA, wherever in a window they are. A maximum
// keeps what it has when it meets a NaN; an average that meets one is bounded like any other value.
TEST(PoolF32, SpecialValues) {
  const float specials[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 0.5f, -0.5f};
  for (int c : {1, 4, 7, 16, 33}) {
    PoolF32Args args = {.window = PoolShapes()[1].ToWindow(), .c = c, .pad_bottom = 1, .pad_right = 1};
    const Window& w = args.window;
    Random random(static_cast<uint32_t>(c));
    std::vector<float> src(static_cast<size_t>(w.ih * w.iw * c));
    for (float& value : src) value = specials[random.Int(0, 7)];
    args.src = src.data();
    const size_t count = static_cast<size_t>(w.oh * w.ow * c);
    for (const bool bounded : {false, true}) {
      args.lo = bounded ? -0.25f : -INFINITY;
      args.hi = bounded ? 0.25f : INFINITY;
      for (const Member kernel : {&KernelTable::maxpool_f32, &KernelTable::avgpool_f32}) {
        const auto want = RunWhole<float>(Reference().*kernel, args, w.oh, 0, count);
        for (const KernelTable* table : TestedTables()) {
          SCOPED_TRACE(std::string(table->isa) + " c " + std::to_string(c));
          const auto got = RunWhole<float>(table->*kernel, args, w.oh, 0, count);
          for (size_t i = 0; i < count; ++i) {
            const bool same = std::isnan(want[i])
                                  ? std::isnan(got[i])
                                  : want[i] == got[i] && std::signbit(want[i]) == std::signbit(got[i]);
            ASSERT_TRUE(same) << i << ": want " << want[i] << ", got " << got[i];
          }
        }
      }
    }
  }
}

TEST(PoolF32, ReferenceByHand) {
  const float src[] = {1, 2, 3, -8};
  float dst[2];
  PoolF32Args args = {.window = {.ih = 2, .iw = 2, .oh = 2, .ow = 1, .kh = 2, .kw = 2, .pad_top = 1},
                      .c = 1,
                      .src = src,
                      .dst = dst,
                      .lo = -INFINITY,
                      .hi = INFINITY};
  Reference().maxpool_f32(args, 0, 2, nullptr);
  EXPECT_EQ(dst[0], 2);
  EXPECT_EQ(dst[1], 3);
  Reference().avgpool_f32(args, 0, 2, nullptr);
  EXPECT_EQ(dst[0], 1.5f);
  EXPECT_EQ(dst[1], -0.5f);
  args.count_include_pad = true;
  Reference().avgpool_f32(args, 0, 1, nullptr);
  EXPECT_EQ(dst[0], 0.75f);
}

}  // namespace
}  // namespace qrun::kernels
