// The register-tiled matrix product under convolutions and fully connected layers, for int8 and float.
//
// The left side is a chunk of rows (pixels) that FillChunk (im2col.inl.h) has expanded: 64-byte cells of 16
// steps, cell j of row p at chunk + (j * rows_allocated + p) * 64. So within 16 steps every row of a tile
// lies at a constant offset from one pointer. A step is 4 bytes: 4 or 2 activations of a dot product
// (dot.inl.h), or one float. The right side is packed [blocks][segments][steps][kLanes], a register per block
// and step.
//
// K comes in segments of equally many steps: one for a fully connected layer or a kernel of one row, else one
// for every kernel row (strips.inl.h). Each has cells of its own, at an offset from the chunk.
//
// Or rows are read in place, `cell_stride` apart, where the steps of a segment follow one another without
// cells (padded_rows.inl.h).
#ifndef QRUN_KERNELS_GEMM_INL_H_
#define QRUN_KERNELS_GEMM_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

inline constexpr int kCellBytes = 64;
inline constexpr int kCellSteps = 16;

// Where the rows of a tile go: row r at first + r * stride.
template <class T>
struct RowsAt {
  T* first;
  ptrdiff_t stride;
  QRUN_INLINE T* operator()(int r) const { return first + r * stride; }
};

enum class Product { kBroadcast, kLanes, kRowPairs };

// Where the only segment is.
inline constexpr ptrdiff_t kOneSegment[] = {0};

enum class RowsIn { kCells, kPlace };

template <class Math>
struct CrossedGemm;

// Math supplies the element types, Load*/Broadcast/MulAddTile on registers, and Store<pixels, blocks>, which
// finishes a tile of accumulators (int8: requantises) and writes it.
template <class Math, RowsIn kRowsIn = RowsIn::kCells>
struct Gemm {
  using Reg = typename Math::Reg;

  Math math;
  const std::byte* chunk;
  ptrdiff_t cell_stride;  // bytes between cells of a row; of rows in place, between the rows
  int rows;
  const ptrdiff_t* segments;  // bytes from the chunk to the first cells of each
  int segment_count;
  int steps;                      // of a segment
  const typename Math::Wei* wei;  // of the first block
  const typename Math::Bia* bia;
  typename Math::Dst* dst;  // row 0, first block's first channel
  ptrdiff_t dst_stride;     // elements between rows
  int oc;                   // channels to write, counted from the first block
  // Of crossed products (gemm_crossed.inl.h): a sum for each row, and room for weights. Null: plain products.
  const int32_t* crossed_sums = nullptr;
  std::byte* wide = nullptr;

  // Between rows as they are stored and pairs of them as kRowPairs sums them, in both directions: of rows a
  // and b, to a's and b's first halves and to their second halves.
  template <int kRows, int kBlocks>
  QRUN_INLINE void ZipRowPairs(Reg (&acc)[kRows * kBlocks]) const {
    if constexpr (Math::kProduct == Product::kRowPairs) {
      Unroll<kRows / 2>([&](auto pair) QRUN_INLINE_LAMBDA {
        Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
          constexpr int i = 2 * pair.value * kBlocks + b.value;
          math.ZipHalves(acc[i], acc[i + kBlocks]);
        });
      });
    }
  }

  // Row r of a tile at `first`.
  QRUN_INLINE const std::byte* RowOfTile(const std::byte* first, ptrdiff_t r) const {
    return first + r * (kRowsIn == RowsIn::kCells ? kCellBytes : cell_stride);
  }

  // acc += activations at src times weights at w, for kSteps steps.
  template <int kRows, int kBlocks, int kSteps>
  QRUN_INLINE void Multiply(Reg (&acc)[kRows * kBlocks], const std::byte* src, const typename Math::Wei* w,
                            ptrdiff_t block_stride) const {
    Reg wei[kSteps * kBlocks];
    Unroll<kSteps>([&](auto s) QRUN_INLINE_LAMBDA {
      Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
        wei[s.value * kBlocks + b.value] =
            math.LoadWei(w + s.value * Math::kWeiPerStep + b.value * block_stride);
      });
    });
    if constexpr (Math::kProduct == Product::kRowPairs) {
      Reg low[kBlocks], high[kBlocks];  // the first and the second two channels, eight activations each
      Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
        math.template PairWei<kSteps>(wei[b.value], wei[(kSteps - 1) * kBlocks + b.value], low[b.value],
                                      high[b.value]);
      });
      Unroll<kRows / 2>([&](auto pair) QRUN_INLINE_LAMBDA {
        const Reg s = math.LoadRowPair(RowOfTile(src, 2 * pair.value), RowOfTile(src, 2 * pair.value + 1));
        Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
          constexpr int i = 2 * pair.value * kBlocks + b.value;
          math.MulAddPairs(acc[i], s, low[b.value]);
          math.MulAddPairs(acc[i + kBlocks], s, high[b.value]);
        });
      });
    } else if constexpr (Math::kProduct == Product::kLanes && kSteps > 1) {
      Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
        const Reg steps_src = math.LoadSteps(RowOfTile(src, r.value));
        Unroll<kSteps>([&](auto s) QRUN_INLINE_LAMBDA {
          Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
            math.template MulAddLane<s.value>(acc[r.value * kBlocks + b.value], steps_src,
                                              wei[s.value * kBlocks + b.value]);
          });
        });
      });
    } else {
      static_assert(kSteps == 1);
      Math::template MulAddTile<kRows, kBlocks>(
          acc, wei, [&](auto r) QRUN_INLINE_LAMBDA { return math.Broadcast(RowOfTile(src, r.value)); });
    }
  }

  template <int kRows, int kBlocks>
  QRUN_INLINE void Tile(int row, int valid_rows, int block) const {
    constexpr int kLanes = Math::kLanes;
    const ptrdiff_t block_stride = static_cast<ptrdiff_t>(segment_count) * steps * Math::kWeiPerStep;
    const typename Math::Wei* w = wei + block * block_stride;
    Reg acc[kRows * kBlocks];
    Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
      const Reg bias = math.LoadBia(bia + (block + b.value) * kLanes);
      Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA { acc[r.value * kBlocks + b.value] = bias; });
    });
    ZipRowPairs<kRows, kBlocks>(acc);
    const std::byte* first_row = RowOfTile(chunk, row);
    for (const ptrdiff_t* segment = segments; segment != segments + segment_count; ++segment) {
      const std::byte* cell = first_row + *segment;
      const ptrdiff_t to_next = kRowsIn == RowsIn::kCells ? cell_stride : kCellBytes;
      for (int left = steps; left > 0; left -= kCellSteps, cell += to_next) {
        const std::byte* src = cell;
        const std::byte* end = cell + 4 * (left < kCellSteps ? left : kCellSteps);
        constexpr int kAtOnce = Math::kStepsAtOnce;
        for (; src + 4 * (kAtOnce - 1) < end; src += 4 * kAtOnce, w += kAtOnce * Math::kWeiPerStep) {
          Multiply<kRows, kBlocks, kAtOnce>(acc, src, w, block_stride);
        }
        if constexpr (kAtOnce > 1) {
          for (; src < end; src += 4, w += Math::kWeiPerStep) {
            Multiply<kRows, kBlocks, 1>(acc, src, w, block_stride);
          }
        }
      }
    }
    ZipRowPairs<kRows, kBlocks>(acc);
    const RowsAt<typename Math::Dst> rows_at = {dst + row * dst_stride + block * kLanes, dst_stride};
    math.template Store<kRows, kBlocks>(acc, block * kLanes, rows_at, valid_rows, oc - block * kLanes);
  }

  // All rows of kBlocks blocks. Rows that a last tile computes past `rows` are arbitrary scratch and not
  // written.
  template <int kBlocks>
  inline void Column(int block) const {
    constexpr int kTall = Math::kTilePixels[0], kMiddle = Math::kTilePixels[1];
    constexpr int kLow = Math::kTilePixels[2];
    if constexpr (Math::kCrosses && kBlocks == 2 && kRowsIn == RowsIn::kCells) {
      if (wide != nullptr) return CrossedGemm<Math>{*this}.Column(block);
    }
    int row = 0;
    for (; rows - row >= kTall; row += kTall) Tile<kTall, kBlocks>(row, kTall, block);
    const int rest = rows - row;
    if (rest > kMiddle) {
      Tile<kTall, kBlocks>(row, rest, block);
    } else if (rest > kLow) {
      Tile<kMiddle, kBlocks>(row, rest, block);
    } else if (rest > 0) {
      Tile<kLow, kBlocks>(row, rest, block);
    }
  }

  void Run(int block_begin, int block_end) const {
    int block = block_begin;
    if (rows == 1) {
      for (; block_end - block >= 4; block += 4) Tile<Math::kTilePixels[2], 4>(0, 1, block);
    }
    for (; block_end - block >= 2; block += 2) Column<2>(block);
    if (block < block_end) Column<1>(block);
  }
};

// Chunks are a multiple of the tallest tile, and about half of a small L1 cache.
constexpr int ChunkRows(ptrdiff_t cells, int tile_rows, ptrdiff_t rows, ptrdiff_t min_tiles = 1) {
  const ptrdiff_t tiles_in_cache = 16384 / (cells * kCellBytes * tile_rows);
  const ptrdiff_t tiles_needed = (rows + tile_rows - 1) / tile_rows;
  const ptrdiff_t tiles = tiles_in_cache < min_tiles ? min_tiles : tiles_in_cache;
  return static_cast<int>((tiles < tiles_needed ? tiles : tiles_needed) * tile_rows);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_GEMM_INL_H_
