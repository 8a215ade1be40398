// The converter's graph: what an importer builds, passes rewrite and the emitter writes.
//
// Values are tensors; nodes are operators in topological order. Options are the schema's own structs plus a
// few that exist only between import and canonicalisation (BatchNorm and friends) and may not reach the
// emitter. Until the layout pass runs (Graph::layout says whether it has), values are in the source's layout:
// images NCHW, convolution weights OIHW, transposed convolution weights IOHW already turned by the importer,
// channels of BatchNorm on axis 1; afterwards in the file's (NHWC, OHWI, HWC). Shapes are static; the batch
// extent is fixed to 1 at import. Thread safety: none; one thread owns a graph.
#ifndef QRUN_CONVERTER_GRAPH_H_
#define QRUN_CONVERTER_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "schema/qfb_generated.h"
#include "schema/status.h"

namespace qrun::converter {

using ValueId = int;
inline constexpr ValueId kNoValue = -1;
using Shape = std::vector<int64_t>;

enum class ElementType { kFloat32, kInt8, kInt32, kUInt8, kInt64, kBool };
size_t ElementBytes(ElementType type);

// No tensor of a graph has more elements than this.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;

// Product of the extents; -1 if one is negative or the product exceeds kMaxElements.
int64_t ElementCount(const Shape& shape);

// "[1,3,224,224]"
std::string ShapeString(const Shape& shape);

struct QuantParams {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
  int axis = -1;  // -1: per tensor
};

// A tensor. Constants own their bytes (shared between copies of the graph, never written through).
struct Value {
  std::string name;
  Shape shape;
  ElementType type = ElementType::kFloat32;
  std::shared_ptr<const std::vector<std::byte>> data;  // null for activations
  std::optional<QuantParams> quant;                    // set by the quantiser
  fb::SourceLayout source_layout = fb::SourceLayout::Same;
  // What equalisation multiplied the channels with; empty: 1. For the file, which keeps it of what operators
  // write, and of inputs with channel_offset, which FinishFolding sets (fold_preprocessing.h).
  std::vector<float> channel_scale, channel_offset;

  bool is_constant() const { return data != nullptr; }
};

// Elements of a float32 constant; valid while its bytes live.
std::span<const float> Floats(const Value& value);

// Constants from their elements in row-major order; elements.size() must be the shape's product.
Value FloatConstant(std::string name, Shape shape, const std::vector<float>& elements);
Value Int64Constant(std::string name, Shape shape, const std::vector<int64_t>& elements);

// Operators that only live in the converter.
struct BatchNorm {  // inputs: x [N,C,...], gamma, beta, mean, var [C] (constants)
  float epsilon = 1e-5f;
};
struct Erf {};  // a part of GELU spelt out; remains an error when no pass absorbs it
struct Identity {};

using NodeOptions =
    std::variant<fb::Conv2DT, fb::DepthwiseConv2DT, fb::FullyConnectedT, fb::InvertedResidualT, fb::BinaryT,
                 fb::Pool2DT, fb::UnaryT, fb::LookupTableT, fb::ConcatT, fb::SliceT, fb::PadT, fb::ReshapeT,
                 fb::TransposeT, fb::QuantizeT, fb::DequantizeT, fb::RequantizeT, fb::SoftmaxT, fb::Resize2DT,
                 BatchNorm, Erf, Identity>;

// What a BatchNorm knew of its training data, one entry per channel: moments of what it normalised, and of
// what it made of that.
struct BatchNormStatistics {
  std::vector<float> mean, variance;
  std::vector<float> output_mean, output_std;
};

struct Node {
  std::string name;       // the source's node name, for every message
  std::string source_op;  // the source's operator type, e.g. "Conv"
  NodeOptions options;
  std::vector<ValueId> inputs;  // kNoValue where optional and absent
  std::vector<ValueId> outputs;
  // Of the BatchNorm that a linear operator took in: `output_*` is what the operator makes before its clamp.
  // Null if there was none.
  std::shared_ptr<const BatchNormStatistics> norm = nullptr;
};

enum class Layout { kNchw, kNhwc };

struct Graph {
  std::string name;
  Layout layout = Layout::kNchw;
  std::vector<Value> values;
  std::vector<Node> nodes;  // topological order
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

ValueId AddValue(Graph& graph, Value value);

// "Conv 'features.0'", for messages.
std::string NodeLabel(const Node& node);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_GRAPH_H_
