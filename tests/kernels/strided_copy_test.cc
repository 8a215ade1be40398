#include <numeric>

#include "kernels/movement.h"
#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

// Element by element, straight from the definition.
template <class T>
std::vector<T> NaiveCopy(const StridedCopyArgs& args, const std::vector<T>& src, size_t dst_count, T fill) {
  std::vector<T> dst(dst_count, fill);
  int64_t total = 1;
  for (int a = 0; a < args.axes; ++a) total *= args.extent[a];
  for (int64_t i = 0; i < total; ++i) {
    int64_t rest = i, from = 0, to = 0;
    for (int a = args.axes - 1; a >= 0; --a) {
      from += rest % args.extent[a] * args.src_stride[a];
      to += rest % args.extent[a] * args.dst_stride[a];
      rest /= args.extent[a];
    }
    const T value = src[static_cast<size_t>(from)];
    dst[static_cast<size_t>(to)] =
        args.table != nullptr ? static_cast<T>(args.table[static_cast<int>(value) + 128]) : value;
  }
  return dst;
}

// In one piece and in two, into guarded memory.
template <class T>
void ExpectLikeNaive(StridedCopyArgs args, const std::vector<T>& src, size_t dst_count, const char* name) {
  constexpr T kFill = T(99);
  const std::vector<T> want = NaiveCopy(args, src, dst_count, kFill);
  CoalesceAxes(args);
  args.src = src.data();
  for (const KernelTable* table : CompiledTables()) {
    if (!CanRun(*table)) continue;
    SCOPED_TRACE(std::string(table->isa) + " " + name);
    const int items = static_cast<int>(args.extent[0]);
    for (int cut : {0, items / 2}) {
      Guarded<T> dst(dst_count, kFill);
      args.dst = dst.data();
      table->strided_copy(args, cut, items, nullptr);
      table->strided_copy(args, 0, cut, nullptr);
      EXPECT_TRUE(dst.GuardsIntact());
      EXPECT_EQ(dst.values(), want);
    }
  }
}

template <class T>
std::vector<T> Numbered(int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = static_cast<T>(i * 7 % 251 - 125);
  return values;
}

// A dense source read through a random permutation, into a destination with gaps.
template <class T>
void CheckRandomCopies(int rounds, int max_extent) {
  std::mt19937 random(3);
  for (int round = 0; round < rounds; ++round) {
    StridedCopyArgs args;
    args.element_bytes = sizeof(T);
    args.axes = 1 + static_cast<int>(random() % (max_extent > 5 ? 3 : kMaxAxes));
    std::vector<int> perm(static_cast<size_t>(args.axes));
    std::iota(perm.begin(), perm.end(), 0);
    std::shuffle(perm.begin(), perm.end(), random);
    int64_t extents[kMaxAxes], step = 1;
    for (int a = 0; a < args.axes; ++a) extents[a] = 1 + static_cast<int64_t>(random() % max_extent);
    int64_t src_stride[kMaxAxes];
    for (int a = args.axes - 1; a >= 0; --a) {
      src_stride[a] = step;
      step *= extents[a];
    }
    const std::vector<T> src = Numbered<T>(step);
    step = 1;
    for (int a = args.axes - 1; a >= 0; --a) {
      args.extent[a] = extents[perm[static_cast<size_t>(a)]];
      args.src_stride[a] = src_stride[perm[static_cast<size_t>(a)]];
      args.dst_stride[a] = step;
      step *= args.extent[a] + (random() % 2 ? 0 : 1);
    }
    ExpectLikeNaive(args, src, static_cast<size_t>(step), "random");
  }
}

// [pixels, groups, channels] to [pixels, channels, groups]: ShuffleNet's channel shuffle, and back.
template <class T>
void CheckShuffles() {
  for (int64_t groups : {2, 3, 16}) {
    for (int64_t channels : {1, 3, 4, 7, 15, 16, 17, 31, 32, 33, 58}) {
      for (bool back : {false, true}) {
        const int64_t c = back ? groups : channels, g = back ? channels : groups;
        StridedCopyArgs args;
        args.element_bytes = sizeof(T);
        args.axes = 3;
        const int64_t extent[] = {3, c, g}, src[] = {c * g, 1, c}, dst[] = {c * g, g, 1};
        std::copy_n(extent, 3, args.extent);
        std::copy_n(src, 3, args.src_stride);
        std::copy_n(dst, 3, args.dst_stride);
        ExpectLikeNaive(args, Numbered<T>(3 * c * g), static_cast<size_t>(3 * c * g), "shuffle");
      }
    }
  }
}

TEST(AgainstReference, strided_copy) {
  CheckRandomCopies<int8_t>(300, 5);
  CheckRandomCopies<int32_t>(300, 5);
  CheckRandomCopies<int8_t>(100, 40);
  CheckRandomCopies<int32_t>(100, 40);
  CheckShuffles<int8_t>();
  CheckShuffles<int32_t>();
}

// As Concat places its inputs: runs of channels with others between them.
TEST(StridedCopy, TableIsAppliedToEveryByteOfEveryRun) {
  const std::vector<int8_t> table = Random(1).Bytes(256);
  for (int channels : LaneEdges()) {
    StridedCopyArgs args;
    args.axes = 2;
    args.extent[0] = 9;
    args.extent[1] = channels;
    args.src_stride[0] = channels;
    args.dst_stride[0] = channels + 5;
    args.src_stride[1] = args.dst_stride[1] = 1;
    args.table = table.data();
    const auto src = Random(2).Bytes(static_cast<size_t>(9 * channels));
    ExpectLikeNaive(args, src, static_cast<size_t>(9 * (channels + 5)), "concat");
  }
}

}  // namespace
}  // namespace qrun::kernels
