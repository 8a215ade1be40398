// A product of large matrices with an eighth fewer multiplications and additions.
//
// V. Strassen, Gaussian Elimination is not Optimal, 1969, in S. Winograd's form of 1971. Both sides are cut
// into quarters, src into A11 .. A22 (rows, K), wei into B11 .. B22 (K, channels). With
//   S1 = A21 + A22, S2 = S1 - A11, S3 = A11 - A21, S4 = A12 - S2
//   T1 = B12 - B11, T2 = B22 - T1, T3 = B22 - B12, T4 = B21 - T2
// seven products of quarters give what takes eight:
//   U = A11 B11 + S2 T2,  V = U + S3 T3,  P = S1 T1
//   C11 = A11 B11 + A12 B21,  C12 = U + P + S4 B22,  C21 = V + A22 T4,  C22 = V + P.
// Each is made of crossed products (gemm_crossed.inl.h). A sum of four int8 and another one fits a word, and
// sums wrap modulo 2^32: exact.
#ifndef QRUN_KERNELS_GEMM_STRASSEN_INL_H_
#define QRUN_KERNELS_GEMM_STRASSEN_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.inl.h"
#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

// Rows come in groups, whose first half belongs to A1x and whose second half to A2x; blocks of channels in
// fours, two of Bx1 and two of Bx2.
template <class Math>
struct StrassenGemm {
  using Ops = typename Math::Ops;
  using Reg = typename Math::Reg;
  static constexpr int kLanes = Math::kLanes;
  static constexpr int kTileRows = Ops::kCrossedRows;
  static constexpr int kGroupRows = 2 * kTileRows;
  static constexpr int kBlocks = 4;
  static constexpr int kDepth = 4 * kLanes;  // K is a multiple of

  Math math;
  const int8_t* src;
  ptrdiff_t src_stride;  // bytes between rows
  int rows;              // a multiple of kGroupRows
  int k;
  const int8_t* wei;
  const int32_t* bia;
  int8_t* dst;
  ptrdiff_t dst_stride;
  int oc;
  std::byte* scratch;  // ScratchBytes(rows, k), 64-byte aligned

  static size_t ScratchBytes(int rows, int k) {
    return Align(kProducts * LeftBytes(rows, k)) + Align(kQuarters * SumBytes(rows)) +
           Align(kProducts * WideBytes(k)) + 2 * KeptBytes(rows);
  }

  // Blocks [0, blocks), a multiple of kBlocks.
  void Run(int blocks) const {
    FillLeft();
    for (int block = 0; block < blocks; block += kBlocks) {
      Bias bias;
      WidenWeights(block, bias);
      Multiply<0>(block, bias);
      Multiply<1>(block, bias);
      Multiply<2>(block, bias);
      Multiply<3>(block, bias);
      Multiply<4>(block, bias);
      Multiply<5>(block, bias);
      Multiply<6>(block, bias);
    }
  }

 private:
  static constexpr int kProducts = 7;
  // In the order in which they are made:
  //   0  A11 B11           to U
  //   1  A12 B21 + U       C11
  //   2  S2 T2 + U         to U
  //   3  S3 T3 + U         to V
  //   4  A22 T4 + V        C21
  //   5  S1 T1             is added to U and V, which is C22
  //   6  S4 B22 + U        C12
  static constexpr int kQuarters = 4;  // C11, C12, C21, C22
  static constexpr int kNone = -1;
  static constexpr int kFinishes[kProducts] = {kNone, 0, kNone, kNone, 2, 3, 1};

  // What is too much in crossed products is summed up for each row and channel of a quarter of the result.
  static QRUN_INLINE void Cross(const Reg (&a)[kProducts], const Reg (&b)[kProducts],
                                Reg (&sums)[kQuarters]) {
    const auto product = [&](auto p) QRUN_INLINE_LAMBDA {
      Reg sum = Ops::SetI32(0);
      Ops::Dot(sum, a[p.value], b[p.value]);
      return sum;
    };
    const Reg first = product(Index<0>{}), u = Ops::AddI32(first, product(Index<2>{}));
    const Reg v = Ops::AddI32(u, product(Index<3>{})), p = product(Index<5>{});
    const auto add = [&](int quarter, Reg x, Reg y) QRUN_INLINE_LAMBDA {
      sums[quarter] = Ops::AddI32(sums[quarter], Ops::AddI32(x, y));
    };
    add(0, first, product(Index<1>{}));
    add(1, Ops::AddI32(u, p), product(Index<6>{}));
    add(2, v, product(Index<4>{}));
    add(3, v, p);
  }

  // Of a pair of blocks: what the first product and the sixth begin with, and what is added to each quarter.
  struct Bias {
    Reg first[2], sixth[2], quarter[kQuarters][2];
  };
  static constexpr ptrdiff_t kTileBytes = ptrdiff_t{2} * kTileRows * Ops::kBytes;

  static constexpr size_t Align(ptrdiff_t bytes) { return static_cast<size_t>((bytes + 63) / 64 * 64); }
  static ptrdiff_t LeftRowBytes(int k) { return k; }  // words of half a row
  static ptrdiff_t LeftBytes(int rows, int k) { return rows / 2 * LeftRowBytes(k); }
  static ptrdiff_t SumBytes(int rows) { return rows / 2 * ptrdiff_t{sizeof(int32_t)}; }
  static ptrdiff_t WideBytes(int k) { return k / 4 * ptrdiff_t{2} * Ops::kBytes; }
  static size_t KeptBytes(int rows) { return static_cast<size_t>(rows / kGroupRows * kTileBytes); }

  std::byte* Left(int product) const { return scratch + product * LeftBytes(rows, k); }
  int32_t* Sums(int quarter) const {
    return reinterpret_cast<int32_t*>(scratch + Align(kProducts * LeftBytes(rows, k)) +
                                      quarter * SumBytes(rows));
  }
  std::byte* Wide(int product) const {
    return scratch + Align(kProducts * LeftBytes(rows, k)) + Align(kQuarters * SumBytes(rows)) +
           product * WideBytes(k);
  }
  std::byte* U() const { return Wide(0) + Align(kProducts * WideBytes(k)); }
  std::byte* V() const { return U() + KeptBytes(rows); }

  // The left sides of the products.
  void FillLeft() const {
    for (int i = 0; i < rows / 2; ++i) {
      const int8_t* upper = src + (i + i / kTileRows * kTileRows) * src_stride;
      FillLeftRow(upper, upper + kTileRows * src_stride, i);
    }
  }
  void FillLeftRow(const int8_t* upper, const int8_t* lower, int i) const {
    std::byte* out = scratch + i * LeftRowBytes(k);
    const ptrdiff_t left_bytes = LeftBytes(rows, k);
    Reg sums[kQuarters] = {Ops::SetI32(0), Ops::SetI32(0), Ops::SetI32(0), Ops::SetI32(0)};
    for (const int8_t* stop = upper + k / 2; upper != stop;
         upper += 2 * kLanes, lower += 2 * kLanes, out += Ops::kBytes) {
      const Reg a11 = Ops::WordsOfBytes(upper), a12 = Ops::WordsOfBytes(upper + k / 2);
      const Reg a21 = Ops::WordsOfBytes(lower), a22 = Ops::WordsOfBytes(lower + k / 2);
      const Reg s1 = Ops::AddWords(a21, a22), s2 = Ops::SubWords(s1, a11);
      const Reg left[kProducts] = {a11, a12, s2, Ops::SubWords(a11, a21), a22, s1, Ops::SubWords(a12, s2)};
      Reg swapped[kProducts];
      Unroll<kProducts>([&](auto p) QRUN_INLINE_LAMBDA {
        Ops::StoreI32(out + p.value * left_bytes, left[p.value]);
        swapped[p.value] = Ops::SwapGroups(left[p.value]);
      });
      Cross(left, swapped, sums);
    }
    for (int q = 0; q < kQuarters; ++q) {
      uint32_t lanes[kLanes], sum = 0;
      Ops::StoreI32(lanes, sums[q]);
      for (int lane = 0; lane < kLanes; lane += 2) sum += lanes[lane];  // each is there twice
      Sums(q)[i] = static_cast<int32_t>(sum);
    }
  }

  // The right sides as [step][2 blocks] registers.
  void WidenWeights(int block, Bias& bias) const {
    constexpr ptrdiff_t kStep = Math::kWeiPerStep;
    const ptrdiff_t steps = k / Ops::kGroup, block_stride = steps * kStep, wide_bytes = WideBytes(k);
    for (int b = 0; b < 2; ++b) {
      const int8_t* w1 = wei + (block + b) * block_stride;
      const int8_t* w2 = w1 + 2 * block_stride;
      const ptrdiff_t lower = steps / 2 * kStep;
      std::byte* out = Wide(0) + b * Ops::kBytes;
      Reg sums[kQuarters] = {Ops::SetI32(0), Ops::SetI32(0), Ops::SetI32(0), Ops::SetI32(0)};
      for (const int8_t* stop = w1 + lower; w1 != stop; w1 += 2 * kStep, w2 += 2 * kStep) {
        Reg first[kProducts], second[kProducts];
        RightSides(w1, w2, lower, first);
        RightSides(w1 + kStep, w2 + kStep, lower, second);
        Unroll<kProducts>([&](auto p) QRUN_INLINE_LAMBDA {
          Ops::StoreI32(out + p.value * wide_bytes, first[p.value]);
          Ops::StoreI32(out + p.value * wide_bytes + 2 * Ops::kBytes, second[p.value]);
        });
        Cross(first, second, sums);
        out += 4 * Ops::kBytes;
      }
      bias.first[b] = Ops::LoadI32(bia + (block + b) * kLanes);
      bias.sixth[b] = Ops::SubI32(Ops::LoadI32(bia + (block + 2 + b) * kLanes), bias.first[b]);
      Unroll<kQuarters>([&](auto q) QRUN_INLINE_LAMBDA {
        bias.quarter[q.value][b] = Ops::SubI32(Ops::SetI32(0), sums[q.value]);
      });
    }
  }
  static QRUN_INLINE void RightSides(const int8_t* w1, const int8_t* w2, ptrdiff_t lower,
                                     Reg (&right)[kProducts]) {
    const Reg b11 = Ops::LoadWei(w1), b12 = Ops::LoadWei(w2);
    const Reg b21 = Ops::LoadWei(w1 + lower), b22 = Ops::LoadWei(w2 + lower);
    const Reg t1 = Ops::SubWords(b12, b11), t2 = Ops::SubWords(b22, t1);
    right[0] = b11;
    right[1] = b21;
    right[2] = t2;
    right[3] = Ops::SubWords(b22, b12);
    right[4] = Ops::SubWords(b21, t2);
    right[5] = t1;
    right[6] = b22;
  }

  template <int kProduct>
  void Multiply(int block, const Bias& bias) const {
    constexpr int kQuarter = kFinishes[kProduct];
    constexpr bool kBegins = kProduct == 0 || kProduct == 5;
    const std::byte* left = Left(kProduct);
    std::byte* u = U();
    std::byte* v = V();
    for (int row = 0; row < rows; row += kGroupRows) {
      Reg acc[2 * kTileRows];
      Unroll<2 * kTileRows>([&](auto i) QRUN_INLINE_LAMBDA {
        if constexpr (kBegins) {
          acc[i.value] = kProduct == 0 ? bias.first[i.value % 2] : bias.sixth[i.value % 2];
        } else {
          acc[i.value] = Ops::LoadI32((kProduct == 4 ? v : u) + i.value * Ops::kBytes);
        }
      });
      MultiplyTile(left, Wide(kProduct), acc);
      if constexpr (kProduct == 5) Add(acc, u, v);
      if constexpr (kProduct == 0 || kProduct == 2) Keep(acc, u);
      if constexpr (kProduct == 3) Keep(acc, v);
      if constexpr (kQuarter != kNone) {
        const int32_t* sums = Sums(kQuarter) + row / 2;
        Unroll<kTileRows>([&](auto r) QRUN_INLINE_LAMBDA {
          const Reg sum = Ops::SetI32(sums[r.value]);
          Unroll<2>([&](auto b) QRUN_INLINE_LAMBDA {
            Reg& a = acc[r.value * 2 + b.value];
            a = Ops::AddI32(a, Ops::SubI32(bias.quarter[kQuarter][b.value], sum));
          });
        });
        Store(acc, row + kQuarter / 2 * kTileRows, block + kQuarter % 2 * 2);
      }
      left += kTileRows * LeftRowBytes(k);
      u += kTileBytes;
      v += kTileBytes;
    }
  }

  QRUN_INLINE void MultiplyTile(const std::byte* left, const std::byte* wide,
                                Reg (&acc)[2 * kTileRows]) const {
    const ptrdiff_t row_bytes = LeftRowBytes(k);
    for (const std::byte* stop = wide + WideBytes(k); wide != stop; wide += 4 * Ops::kBytes, left += 8) {
      const Reg w[4] = {Ops::LoadI32(wide), Ops::LoadI32(wide + Ops::kBytes),
                        Ops::LoadI32(wide + 2 * Ops::kBytes), Ops::LoadI32(wide + 3 * Ops::kBytes)};
      Unroll<kTileRows>([&](auto r) QRUN_INLINE_LAMBDA {
        const std::byte* row = left + r.value * row_bytes;
        Ops::DotCrossed(acc[r.value * 2], acc[r.value * 2 + 1], Ops::BroadcastGroup(row),
                        Ops::BroadcastGroup(row + 4), w);
      });
    }
  }

  static QRUN_INLINE void Keep(const Reg (&acc)[2 * kTileRows], std::byte* to) {
    Unroll<2 * kTileRows>(
        [&](auto i) QRUN_INLINE_LAMBDA { Ops::StoreI32(to + i.value * Ops::kBytes, acc[i.value]); });
  }
  // u += acc, acc += v.
  static QRUN_INLINE void Add(Reg (&acc)[2 * kTileRows], std::byte* u, const std::byte* v) {
    Unroll<2 * kTileRows>([&](auto i) QRUN_INLINE_LAMBDA {
      std::byte* at = u + i.value * Ops::kBytes;
      Ops::StoreI32(at, Ops::AddI32(Ops::LoadI32(at), acc[i.value]));
      acc[i.value] = Ops::AddI32(acc[i.value], Ops::LoadI32(v + i.value * Ops::kBytes));
    });
  }
  QRUN_INLINE void Store(const Reg (&acc)[2 * kTileRows], int row, int block) const {
    const RowsAt<int8_t> rows_at = {dst + row * dst_stride + block * kLanes, dst_stride};
    math.template Store<kTileRows, 2>(acc, block * kLanes, rows_at, kTileRows, oc - block * kLanes);
  }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_GEMM_STRASSEN_INL_H_
