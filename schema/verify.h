// The verifier: any bytes in, a trusted model or a clear error out.
//
// Stage one is FlatBuffers' structural check (every offset and vector inside the file). Stage two is meaning:
// indices, operator order, shapes multiplied without overflow, buffer length = shape, finite positive scales,
// zero points, the int32 accumulator bound, caps. What it accepts, no later layer checks again.
#ifndef QRUN_SCHEMA_VERIFY_H_
#define QRUN_SCHEMA_VERIFY_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "schema/qfb_generated.h"
#include "schema/status.h"

namespace qrun {

// Declared limits of a model, whatever its source.
// FlatBuffers offsets are 31 bits. Also the limit of what the file's parts take where it names one of them
// many times.
inline constexpr size_t kMaxModelBytes = size_t{2} << 30;
inline constexpr int kMaxTensors = 65536;
inline constexpr int kMaxOperators = 65536;
inline constexpr int kMaxRank = 6;
inline constexpr int64_t kMaxTensorElements = int64_t{1} << 28;
inline constexpr int64_t kMaxOperatorWork = int64_t{1}
                                            << 40;          // multiply-accumulates or window reads, batch 1
inline constexpr int64_t kMaxModelWork = int64_t{1} << 42;  // of all operators together, and their values
inline constexpr size_t kBufferAlignment = 64;

// Checks `bytes` and returns the model inside them. `bytes.data()` must be aligned to kBufferAlignment
// (mapped files and the copies that Model makes are). Errors: invalid_model, unsupported (a newer format),
// resource_limit. Thread safe; reads nothing outside of `bytes`.
Result<const fb::Model*> VerifyModel(std::span<const std::byte> bytes);

}  // namespace qrun

#endif  // QRUN_SCHEMA_VERIFY_H_
