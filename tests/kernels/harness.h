// What the kernel tests share: the ISAs to test, guarded buffers, random data, and runs in one piece and in
// odd pieces.
//
// The test of a row of kernel_list.inc is TEST(AgainstReference, <row>); coverage_test.cc fails if one is
// missing.
#ifndef QRUN_TESTS_KERNELS_HARNESS_H_
#define QRUN_TESTS_KERNELS_HARNESS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/args.h"
#include "kernels/dispatch.h"
#include "kernels/pack.h"
#include "kernels/table.h"
#include "tests/kernels/shapes.h"

namespace qrun::kernels {

inline const KernelTable& Reference() { return *CompiledTables().back(); }

// All but the reference that this machine can run.
inline std::vector<const KernelTable*> TestedTables() {
  std::vector<const KernelTable*> tables;
  for (const KernelTable* table : CompiledTables()) {
    if (table != &Reference() && CanRun(*table)) tables.push_back(table);
  }
  return tables;
}

// `count` elements between guards; the first is aligned to 8 bytes, not to more. (Sources are plain vectors,
// so that AddressSanitizer sees reads outside of them.)
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t count, T fill = T{})
      : bytes_(kGuard * 2 + count * sizeof(T), kPattern), count_(count) {
    std::fill_n(data(), count, fill);
  }
  T* data() { return reinterpret_cast<T*>(bytes_.data() + kGuard); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.data() + kGuard); }
  bool GuardsIntact() const {
    const auto is_pattern = [](uint8_t byte) { return byte == kPattern; };
    return std::all_of(bytes_.begin(), bytes_.begin() + kGuard, is_pattern) &&
           std::all_of(bytes_.end() - kGuard, bytes_.end(), is_pattern);
  }
  std::vector<T> values() const { return {data(), data() + count_}; }

 private:
  static constexpr size_t kGuard = 136;  // a multiple of 8, not of 16
  static constexpr uint8_t kPattern = 0xA5;
  std::vector<uint8_t> bytes_;
  size_t count_;
};

// Scratch as the contract promises it: aligned to 64 bytes, of the asked size, with arbitrary contents.
class Scratch {
 public:
  explicit Scratch(size_t bytes) : bytes_(bytes), all_(bytes + 192) {
    std::mt19937 random(7);
    for (std::byte& byte : all_) byte = static_cast<std::byte>(random());
    before_ = all_;
  }
  std::byte* data() { return all_.data() + Offset(); }
  bool GuardsIntact() {
    return std::equal(all_.begin(), all_.begin() + Offset(), before_.begin()) &&
           std::equal(all_.begin() + Offset() + bytes_, all_.end(), before_.begin() + Offset() + bytes_);
  }

 private:
  size_t Offset() const { return 64 + (64 - reinterpret_cast<uintptr_t>(all_.data()) % 64) % 64; }
  size_t bytes_;
  std::vector<std::byte> all_, before_;
};

// The image with its padding stored as pixels of values `pad_values`; `shape` becomes the one that reads it.
// What negative padding crops stays cropped.
template <class T>
std::vector<T> StorePadding(ConvShape& shape, const std::vector<T>& src, const std::vector<T>& pad_values) {
  int around[4];
  for (int i = 0; i < 4; ++i) {
    around[i] = shape.pad[i] > 0 ? shape.pad[i] : 0;
    shape.pad[i] -= around[i];
  }
  const int h = shape.in[0], w = shape.in[1];
  shape.in[0] += around[0] + around[2];
  shape.in[1] += around[1] + around[3];
  std::vector<T> padded;
  for (int n = 0; n < shape.n; ++n) {
    for (int y = -around[0]; y < h + around[2]; ++y) {
      for (int x = -around[1]; x < w + around[3]; ++x) {
        const bool inside = y >= 0 && y < h && x >= 0 && x < w;
        const T* pixel = inside ? src.data() + ((n * h + y) * w + x) * shape.ic : pad_values.data();
        padded.insert(padded.end(), pixel, pixel + shape.ic);
      }
    }
  }
  return padded;
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int Int(int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(engine_); }
  float Float(float lo, float hi) { return std::uniform_real_distribution<float>(lo, hi)(engine_); }
  std::vector<int8_t> Bytes(size_t count, int lo = -128, int hi = 127) {
    std::vector<int8_t> values(count);
    for (int8_t& v : values) v = static_cast<int8_t>(Int(lo, hi));
    return values;
  }
  std::vector<float> Floats(size_t count, float lo = -1, float hi = 1) {
    std::vector<float> values(count);
    for (float& v : values) v = Float(lo, hi);
    return values;
  }

 private:
  std::mt19937 engine_;
};

template <class Args>
using Kernel = void (*)(const Args&, int, int, std::byte*) noexcept;

// Runs items [0, items) in one piece and in odd pieces; both times the output must be the same, and nothing
// but the output and the scratch may be written. Returns the output.
template <class T, class Args>
std::vector<T> RunWhole(Kernel<Args> kernel, Args args, int items, size_t scratch_bytes, size_t dst_count) {
  std::vector<T> results[2];
  for (int pieces = 0; pieces < 2; ++pieces) {
    Guarded<T> dst(dst_count, static_cast<T>(pieces == 0 ? 77 : -77));
    Scratch scratch(scratch_bytes);
    args.dst = dst.data();
    std::vector<int> cuts = {0};
    if (pieces == 1) {
      for (int cut : {1, items / 3, items / 2 + 1, items - 1}) {
        if (cut > cuts.back() && cut < items) cuts.push_back(cut);
      }
      kernel(args, items / 2, items / 2, scratch.data());  // an empty range does nothing
    }
    cuts.push_back(items);
    for (size_t i = cuts.size() - 1; i > 0; --i) kernel(args, cuts[i - 1], cuts[i], scratch.data());
    EXPECT_TRUE(dst.GuardsIntact()) << "wrote outside of dst";
    EXPECT_TRUE(scratch.GuardsIntact()) << "wrote outside of the scratch";
    results[pieces] = dst.values();
  }
  EXPECT_EQ(0, std::memcmp(results[0].data(), results[1].data(), dst_count * sizeof(T)))
      << "pieces give another result than the whole";
  return results[0];
}

// Compares int8 results exactly, and says where they differ first.
inline void ExpectSame(const std::vector<int8_t>& want, const std::vector<int8_t>& got) {
  ASSERT_EQ(want.size(), got.size());
  const auto at = std::mismatch(want.begin(), want.end(), got.begin()).first - want.begin();
  if (at != static_cast<ptrdiff_t>(want.size())) {
    FAIL() << "byte " << at << ": want " << int{want[at]} << ", got " << int{got[at]};
  }
}

inline double LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return largest;
}

// What a requantising kernel is tested with.
struct Output {
  const char* name;
  int src_zp, dst_zp, lo, hi;
  float scale;     // of channel 0; the other channels vary around it unless ties
  bool ties;       // scale is the same power of two for all channels, so that many products end in .5
  bool saturated;  // activations and weights are extreme
};

inline const std::vector<Output>& Outputs() {
  static const std::vector<Output> outputs = {
      {"usual", 3, -5, -128, 127, 0.003f, false, false},
      {"relu", -128, -128, -128, 127, 0.004f, false, false},
      {"relu6_narrow", 17, -100, -100, 50, 0.01f, false, false},
      {"ties_even_zp", -1, 4, -128, 127, 0.5f, true, false},
      {"ties_odd_zp", 2, -7, -128, 127, 0.5f, true, false},
      {"saturated", 127, 7, -128, 127, 4e-8f, false, true},
      {"saturated_low", -128, -9, -128, 127, 4e-8f, false, true},
      {"infinite", -128, -128, -128, 127, 3e30f, false, true},
  };
  return outputs;
}

}  // namespace qrun::kernels

#endif  // QRUN_TESTS_KERNELS_HARNESS_H_
