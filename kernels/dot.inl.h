// The home of intrinsics: S8<Tag> is what int8 kernels need from an instruction set, specialised in one
// dot_<isa>.inl.h per ISA. Everything else is plain C++ or xsimd. All loads and stores may be unaligned.
//
// Constants and types
//   kLanes        int32 lanes of a register; a register holds 4 * kLanes = kBytes int8
//   kRegisters    registers of the instruction set
//   kGroup        int8 products that one lane's dot product sums: 4 (bytes), or 2 (pmaddwd on int16)
//   kOffset       what ExpandGroups and OffsetTaps add to activations: 128 where the instruction wants them
//                 unsigned
//   Register tiles, all as tall as there are registers:
//   kTilePixels   heights of those of a convolution (2 registers wide), tallest first
//   kExpandBlocks channel blocks that the depth-first block expands together, at least 2, at most 3, in
//                 tiles of up to kExpandAccumulators registers
//   kProjectSlots heights of those of its projection, 1 and 2 registers wide: a tall one, a short one; of 1
//                 wide multiples of 4, of 2 wide even
//   I32, F32, Bytes   registers of int32, float (an xsimd batch) and int8
// Dot products: exact, wrapping modulo 2^32. pmaddubsw saturates and is not used.
//   LoadWei(p)            kLanes x kGroup weights, as packed
//   BroadcastGroup(p)     one group of expanded activations (4 bytes) to all lanes
//   Dot(acc, src, wei)    acc += sum over the group of src * wei
//   DotCrossed(acc0, acc1, src0, src1, p, wei)    crossed products (gemm_crossed.inl.h) of two groups with
//                         their weights of two blocks, the one at p and wei[0], wei[1] and wei[2]. Only where
//                         that is faster; beside it are
//   CrossedPairs(a, b)      in every 128 bits the products of a's first two groups and of its last two, then
//                           of b's
//   FirstPairs(groups, n)   whole pairs within the first n groups of a register; 0 behind them
//   AddPairs(a, b)          in every 128 bits the sums of two lanes: a's, then b's
//   StoreSums(p, parts)     lane by lane the sums of the 128 bits of a register, to 4 int32
//   kCrossedRows            the height of their register tiles
//   DotPair(acc0, acc1, src0, src1, wei0, wei1)    two dot products; only where that is faster than Dot twice
//   ExpandGroups(src, dst)         16 groups of activations (16 * kGroup bytes) to 64 bytes as
//                                  BroadcastGroup reads them
//   ExpandGroupsPart(src, n, dst)  the same for n < 16 * kGroup bytes; the rest of dst is arbitrary
//  where one of these is defined, the register tiles of convolutions use it instead of broadcast groups:
//   kLaneSteps            groups in a register. DotLane<i>(acc, src, wei) is Dot with group i of src in all
//                         lanes
//   kRowPairs             true. With two registers of weights as packed:
//   ZipSteps(w0, w1, low, high)   8 weights of channels 0 and 1, and of channels 2 and 3
//   LoadRowPair(a, b)             8 activations of two rows
//   DotPairs(acc, src, wei)       acc[row][channel] += the products of 8, for 2 rows and 2 channels
//   ZipHalves(a, b)               to the first halves of both and the second halves of both
// Depthwise. "In-lane order" of 4 registers r[0..3]: 128-bit lane l of r[j] holds channels 16 * l + 4 * j +
// 0..3.
//   InterleaveTaps(rows, out)   kGroup registers of bytes, one per tap, to 4 registers of groups in in-lane
//                               order
//   OffsetTaps(groups)          adds kOffset to the activations of a register of groups
// Cells (cells.inl.h)
//   RoundBounded(f)           round half to even of what fits int32
//   Select(mask, a, b)        mask ? a : b, bit by bit
//  where kGroup is 4, four rows of a column in the bytes of each lane:
//   PackOffsetInLane(r, zp)   saturate(saturate16(r) + zp) to the bytes that dot products read, zp with
//                             kOffset; MaxOffset, MinOffset of such bytes. PackPlainInLane, where kOffset is
//                             128: the same with a zero point of -128
//   RowsToLanes(bytes)        four rows in in-lane order, as PackInLane leaves them, to a cell
//   JoinTaps(r0, r1, r2, r3)  kLanes bytes of each to bytes 0 to 3 of the lanes
//   RotateRows(cell, n)       byte r of each lane to byte (r + n) % 4
//   CellRows(first, n)        mask of the bytes [first, first + n) of each lane
//   JoinCells(before, cell)   bytes 0 and 1 of cell, bytes 2 and 3 of before
//  where kGroup is 2, two rows in the words of each lane:
//   PackWords(a, b)           saturate16(r) of two registers; PackUnsignedWords  the same to [0, 65535]
//   MaxWords, MinWords, MinUnsignedWords, AddWords
//   RowsToLanes(words)        two rows as PackWords leaves them to the words of each lane
//   ShiftUp(v), ShiftDown(v)  the lower word of each lane to the upper one and back, zeros behind it
//   Or(a, b)
//   NarrowWords(a, b)         words within int8 to bytes, a's before b's in every 128 bits; WidenLow(bytes),
//                             WidenHigh(bytes)   back to a, and to b
//   KeepOrder(sum)            does nothing, but GCC would else sum up all products of a window as a tree, for
//                             which there are no registers
// Requantising
//   Widen(p)              kLanes int8 to int32
//   ToF32(i)              round to nearest even
//   FusedProduct(i, scale, offset)   the float of bits i, times scale, plus offset, rounded once; only where
//                         that is one instruction
//   RoundToI32(f)         round half to even; above 32767 at least 32767; NaN and below -32768 at most -32768
//   PackInLane(r, zp)     saturate(saturate16(r) + zp) to int8, zp as SetWords gives it, of 4 registers of
//                         int32 in in-lane order to bytes in order; PackInOrder of registers in plain order
// Bytes
//   LoadBytes, LoadBytesPart(p, n), StoreBytes, SetBytes, MaxBytes, MinBytes
//   StorePart<i, m>(p, v)       the i-th m-th part of a register
//   StorePartOf<i, m>(p, v, n)  its first n bytes
//   ByteTable{table}(v)         256-entry table look-up
#ifndef QRUN_KERNELS_DOT_INL_H_
#define QRUN_KERNELS_DOT_INL_H_

#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <class Tag>
struct S8;

}  // namespace
}  // namespace qrun::kernels

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
#include "kernels/dot_avx512vnni.inl.h"
#endif
#if defined(__AVX512BW__)
#include "kernels/dot_avx512.inl.h"
#endif
#if defined(__AVXVNNI__)
#include "kernels/dot_avxvnni.inl.h"
#endif
#if defined(__AVX2__)
#include "kernels/dot_avx2.inl.h"
#endif
#if defined(__SSE4_1__)
#include "kernels/dot_sse4_1.inl.h"
#endif
#if defined(__aarch64__)
#include "kernels/dot_neon.inl.h"
#endif

#endif  // QRUN_KERNELS_DOT_INL_H_
