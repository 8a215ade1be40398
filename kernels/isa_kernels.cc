// Compiled once per row of isa_list.inc, with that row's flags, QRUN_ISA_NAME and QRUN_ISA_TAG. Holds nothing
// but the instantiations that fill that ISA's table.
#include "kernels/binary_f32.inl.h"
#include "kernels/binary_s8.inl.h"
#include "kernels/conv2d_f32.inl.h"
#include "kernels/conv2d_s8.inl.h"
#include "kernels/dwconv2d_f32.inl.h"
#include "kernels/dwconv2d_s8.inl.h"
#include "kernels/fully_connected_f32.inl.h"
#include "kernels/fully_connected_s8.inl.h"
#include "kernels/inverted_residual_s8.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/pool_f32.inl.h"
#include "kernels/pool_s8.inl.h"
#include "kernels/quantize.inl.h"
#include "kernels/resize.inl.h"
#include "kernels/strided_copy.inl.h"
#include "kernels/table.h"
#include "kernels/table_s8.inl.h"
#include "kernels/unary_f32.inl.h"

#define QRUN_STRING_(x) #x
#define QRUN_STRING(x) QRUN_STRING_(x)
#define QRUN_JOIN_(a, b) a##b
#define QRUN_JOIN(a, b) QRUN_JOIN_(a, b)

namespace qrun::kernels {
namespace {
using Tag = QRUN_ISA_TAG;
}  // namespace
}  // namespace qrun::kernels

extern "C" {
extern const qrun::kernels::KernelTable QRUN_JOIN(qrun_kernel_table_, QRUN_ISA_NAME);
const qrun::kernels::KernelTable QRUN_JOIN(qrun_kernel_table_, QRUN_ISA_NAME) = {
    .isa = QRUN_STRING(QRUN_ISA_NAME),
    .conv_packing = qrun::kernels::ConvPackingOf<qrun::kernels::Tag>(),
    .conv_f32_packing = qrun::kernels::ConvF32PackingOf<qrun::kernels::Tag>(),
    .conv2d_s8_scratch_bytes = qrun::kernels::conv2d_s8_scratch_bytes<qrun::kernels::Tag>,
    .dwconv2d_s8_scratch_bytes = qrun::kernels::dwconv2d_s8_scratch_bytes<qrun::kernels::Tag>,
    .inverted_residual_s8_scratch_bytes =
        qrun::kernels::inverted_residual_s8_scratch_bytes<qrun::kernels::Tag>,
    .fully_connected_s8_scratch_bytes = qrun::kernels::fully_connected_s8_scratch_bytes<qrun::kernels::Tag>,
    .conv2d_f32_scratch_bytes = qrun::kernels::conv2d_f32_scratch_bytes<qrun::kernels::Tag>,
    .inverted_residual_s8_is_general = qrun::kernels::inverted_residual_s8_is_general<qrun::kernels::Tag>,
    .inverted_residual_s8_split = qrun::kernels::inverted_residual_s8_split<qrun::kernels::Tag>,
    .inverted_residual_filter_s8 = qrun::kernels::inverted_residual_filter_s8<qrun::kernels::Tag>,
    .inverted_residual_project_s8 = qrun::kernels::inverted_residual_project_s8<qrun::kernels::Tag>,
#define QRUN_KERNEL(name, Args) .name = qrun::kernels::name<qrun::kernels::Tag>,
#include "kernels/kernel_list.inc"
#undef QRUN_KERNEL
};
}
