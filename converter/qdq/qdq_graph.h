// The values of a quantised graph as tensors of an ONNX model in QDQ form; what the operators are emitted
// with.
#ifndef QRUN_CONVERTER_QDQ_QDQ_GRAPH_H_
#define QRUN_CONVERTER_QDQ_QDQ_GRAPH_H_

#include <span>
#include <string>
#include <vector>

#include "converter/graph.h"
#include "converter/qdq/onnx_writer.h"

namespace qrun::converter {

// The axes of a stored value (rank 4: NHWC) in the order in which ONNX takes them (NCHW).
std::vector<int> OnnxAxes(size_t rank);
// The shape in that order.
Shape OnnxShape(const Shape& stored);

// The elements of a dense array, `bytes_each` bytes each, with its axes in the order `perm`.
std::vector<std::byte> PermutedBytes(std::span<const std::byte> src, const Shape& shape,
                                     const std::vector<int>& perm, size_t bytes_each);

// Thread safety: none.
class QdqGraph {
 public:
  // Declares inputs and outputs, and quantises the inputs that are int8. `graph` must outlive this.
  explicit QdqGraph(const Graph& graph);

  const Graph& graph() const { return graph_; }
  const Value& value(ValueId id) const { return graph_.values[id]; }
  OnnxWriter& writer() { return writer_; }

  // The float tensor, in ONNX's order of axes, that stands for an activation made before or a constant: for
  // int8 ones a DequantizeLinear's output.
  std::string Tensor(ValueId id);
  // The same in the stored order of axes.
  std::string StoredTensor(ValueId id);

  // Weights, given in the order of axes that their operator takes: int8 with one scale per slice along `axis`
  // of the value's quantisation, which is `onnx_axis` of `shape`, or with one scale; or float. Returns the
  // float tensor.
  std::string Weights(ValueId id, const Shape& shape, std::span<const std::byte> elements, int onnx_axis);
  // A bias: int32 at scale src.scale * wei.scale[oc], or float. `src` and `wei` are the operator's inputs.
  std::string Bias(ValueId id, ValueId src, ValueId wei);

  // Where the operator that makes activation `id` writes its float result: Begin names the tensor, and End
  // adds what has to follow it. `clamp` may be null.
  std::string Begin(ValueId id, const fb::Clamp* clamp);
  void End(ValueId id, const fb::Clamp* clamp, const std::string& begun);
  // `tensor` itself stands for activation `id`.
  void Alias(ValueId id, std::string tensor) { name_[id] = std::move(tensor); }

  // Adds what makes declared outputs of the activations.
  void FinishOutputs();

 private:
  struct Params {
    std::string scale, zero_point;
  };
  Params PerTensor(const Value& value);
  std::string Quantize(const Value& value, const Params& params, const std::string& src,
                       const std::string& dst);
  std::string Clip(const std::string& name, const fb::Clamp& clamp, const std::string& src,
                   const std::string& dst);
  std::string Constant(const Value& value);
  // Whether the clamp changes what the value can hold.
  bool IsNarrow(ValueId id, const fb::Clamp* clamp) const;
  // The name of the tensor that stands for `id` in the end.
  std::string FinalName(ValueId id);
  // Whether a declared input or output has its axes in ONNX's order.
  static bool IsDeclaredAsHeld(const Value& value);
  std::string Transposed(const std::string& src, const std::vector<int64_t>& perm, const std::string& dst);

  const Graph& graph_;
  OnnxWriter writer_;
  std::vector<std::string> name_;   // per value; "": not made yet
  std::vector<bool> names_output_;  // per value: its tensor carries the name of the output that it is
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_QDQ_QDQ_GRAPH_H_
