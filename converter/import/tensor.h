// ONNX tensors to constants.
#ifndef QRUN_CONVERTER_IMPORT_TENSOR_H_
#define QRUN_CONVERTER_IMPORT_TENSOR_H_

#include <onnx/onnx_pb.h>

#include <string>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// The element type that stands for an ONNX data type: every float type becomes float32, integers that are not
// int8, uint8, int32 or bool become int64. Errors: unsupported (strings, complex).
Result<ElementType> ElementTypeOf(int onnx_type);

// Name, shape and elements of `tensor`, from its raw bytes, its typed fields or another file in `directory`
// (empty: not allowed). Errors: invalid_model (length does not match the shape, path that leaves the
// directory), io, unsupported.
Result<Value> ImportTensor(const onnx::TensorProto& tensor, const std::string& directory);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMPORT_TENSOR_H_
