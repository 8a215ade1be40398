// The kernels of one ISA as a table of function pointers, one per row of kernel_list.inc.
#ifndef QRUN_KERNELS_TABLE_H_
#define QRUN_KERNELS_TABLE_H_

#include <cstddef>

#include "kernels/args.h"

namespace qrun::kernels {

struct KernelTable {
  const char* isa;  // the row's name in isa_list.inc
  ConvPacking conv_packing;
  ConvF32Packing conv_f32_packing;
  // Scratch that one thread needs for a call of the kernel named, in bytes; other kernels need none.
  size_t (*conv2d_s8_scratch_bytes)(const ConvS8Args&);
  size_t (*dwconv2d_s8_scratch_bytes)(const DwConvS8Args&);
  size_t (*inverted_residual_s8_scratch_bytes)(const InvertedResidualS8Args&);
  size_t (*fully_connected_s8_scratch_bytes)(const FullyConnectedS8Args&);
  size_t (*conv2d_f32_scratch_bytes)(const ConvF32Args&);

  // True if inverted_residual_s8 calls the kernels of the block's parts on a few rows at a time, where on
  // whole images these would share more work. False on ISAs without registers, where they share none.
  bool (*inverted_residual_s8_is_general)(const InvertedResidualS8Args&);
  // inverted_residual_s8 divided by channels; see InvertedResidualSplit.
  InvertedResidualSplit (*inverted_residual_s8_split)(const InvertedResidualS8Args&);
  void (*inverted_residual_filter_s8)(const InvertedResidualS8Args&, int begin, int end,
                                      std::byte* scratch) noexcept;
  void (*inverted_residual_project_s8)(const InvertedResidualS8Args&, int begin, int end,
                                       std::byte* scratch) noexcept;

#define QRUN_KERNEL(name, Args) \
  void (*name)(const Args& args, int begin, int end, std::byte* scratch) noexcept;
#include "kernels/kernel_list.inc"
#undef QRUN_KERNEL
};

}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_TABLE_H_
