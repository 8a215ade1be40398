// Writes a quantised graph as a standard ONNX model that other engines run in int8.
#ifndef QRUN_CONVERTER_QDQ_EMIT_QDQ_H_
#define QRUN_CONVERTER_QDQ_EMIT_QDQ_H_

#include <cstddef>
#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// The ONNX file (opset 14, batch 1) of `quantized` in QDQ form: every int8 operator is its float operator
// between DequantizeLinear and QuantizeLinear, with the parameters of the .qfb file.
//
//  - Activations are uint8, zero point + 128. Weights are int8 with a scale per output channel and zero point
//    0, biases int32 at scale src.scale * wei.scale[oc], each behind a DequantizeLinear with an axis.
//  - Images are NCHW. Inputs and outputs are float, with the source's names and axes.
//  - A clamp that is all that its output's int8 range holds is left to QuantizeLinear; a narrower one becomes
//    Relu or Clip between a pair of its own, which gives the same integers and leaves the operator int8.
//  - A LookupTable becomes the function that it was made of.
//
// `quantized` is what QuantizeGraph made of `source`, a canonical float graph, and not fused: values have
// equal ids in both. The results differ from the .qfb's only where a sum lies so near to the middle of two
// steps that float arithmetic rounds it to the other one.
//
// Errors: unsupported, naming the node that ONNX cannot express; resource_limit; internal (a fused graph).
Result<std::vector<std::byte>> EmitQdq(const Graph& quantized, const Graph& source);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_QDQ_EMIT_QDQ_H_
