#include "converter/import/onnx.h"

#include <fmt/format.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "converter/import/graph_builder.h"
#include "converter/import/importers.h"
#include "converter/import/tensor.h"

namespace qrun::converter {
namespace {

constexpr int64_t kOldestOpset = 7;
constexpr int64_t kNewestOpset = 22;

bool IsStandardDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

Result<onnx::ModelProto> Parse(std::string_view bytes) {
  if (bytes.size() > std::numeric_limits<int>::max()) {
    return Status::ResourceLimit("an ONNX file of 2 GiB or more; keep its weights in external data files");
  }
  onnx::ModelProto model;
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  if (!model.ParseFromZeroCopyStream(&stream)) {
    return Status::InvalidModel("not an ONNX file, or a truncated one: its protobuf does not parse");
  }
  if (!model.has_graph() || model.graph().node_size() == 0) {
    return Status::InvalidModel("not an ONNX model: it has no graph");
  }
  return model;
}

Result<int64_t> FindOpset(const onnx::ModelProto& model) {
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (!IsStandardDomain(opset.domain())) continue;
    if (opset.version() >= kOldestOpset && opset.version() <= kNewestOpset) return opset.version();
    return Status::Unsupported(
        fmt::format("uses opset {}; {} to {} are read. Export the model with one of them", opset.version(),
                    kOldestOpset, kNewestOpset));
  }
  return Status::InvalidModel("names no opset of the ONNX domain");
}

Status RejectQuantized(const onnx::GraphProto& graph) {
  for (const onnx::NodeProto& node : graph.node()) {
    if (!IsQuantizedOperator(node.op_type())) continue;
    return Status::Unsupported(fmt::format(
        "already quantised (it has {} nodes such as '{}'); give the float model that it was made from",
        node.op_type(), node.name().empty() && node.output_size() ? node.output(0) : node.name()));
  }
  return Status::Ok();
}

// The user's shape for an input, or null.
const Shape* FindOverride(const ImportOptions& options, const std::string& name, size_t input_count) {
  auto entry = options.input_shape.find(name);
  if (entry == options.input_shape.end() && input_count == 1) entry = options.input_shape.find("");
  return entry == options.input_shape.end() ? nullptr : &entry->second;
}

class Import {
 public:
  Import(const onnx::ModelProto& model, int64_t opset, const std::string& directory,
         const ImportOptions& options, ImportReport* report)
      : proto_(model.graph()), opset_(opset), options_(options), report_(report), builder_(directory) {}

  Result<Graph> Run() {
    builder_.graph().name = proto_.name();
    QRUN_RETURN_IF_ERROR(Initializers());
    QRUN_RETURN_IF_ERROR(Inputs());
    QRUN_RETURN_IF_ERROR(Nodes());
    QRUN_RETURN_IF_ERROR(Outputs());
    return std::move(builder_.graph());
  }

 private:
  void Note(std::string note) { report_->notes.push_back(std::move(note)); }

  Status Initializers() {
    if (proto_.sparse_initializer_size() > 0)
      return Status::Unsupported("keeps sparse weights; export dense ones");
    for (const onnx::TensorProto& tensor : proto_.initializer()) {
      QRUN_ASSIGN_OR_RETURN(Value value, ImportTensor(tensor, builder_.directory()));
      report_->parameters += ElementCount(value.shape);
      builder_.Name(tensor.name(), builder_.AddConstant(std::move(value)));
    }
    return Status::Ok();
  }

  Status Inputs() {
    std::vector<const onnx::ValueInfoProto*> inputs;  // old files list their weights among the inputs
    for (const onnx::ValueInfoProto& input : proto_.input()) {
      if (!builder_.Knows(input.name())) inputs.push_back(&input);
    }
    if (inputs.empty()) return Status::InvalidModel("the graph has no inputs");
    for (const auto& [name, shape] : options_.input_shape) {
      bool found = name.empty() && inputs.size() == 1;
      std::string names;
      for (const onnx::ValueInfoProto* input : inputs) {
        found = found || input->name() == name;
        names += (names.empty() ? "'" : ", '") + input->name() + "'";
      }
      if (!found) {
        return Status::InvalidArgument(
            fmt::format("--input-shape names '{}', but the inputs are {}", name, names));
      }
    }
    for (const onnx::ValueInfoProto* input : inputs) {
      QRUN_RETURN_IF_ERROR(Input(*input, inputs.size()));
    }
    return Status::Ok();
  }

  Status Input(const onnx::ValueInfoProto& input, size_t input_count) {
    if (!input.type().has_tensor_type()) {
      return Status::Unsupported(fmt::format("input '{}' is not a tensor", input.name()));
    }
    const onnx::TypeProto::Tensor& type = input.type().tensor_type();
    const Result<ElementType> element = ElementTypeOf(type.elem_type());
    if (!element.ok()) return element.error().Annotate(fmt::format("input '{}'", input.name()));
    if (*element != ElementType::kFloat32) {
      Note(fmt::format("input '{}' holds integers in the source and is read as float32", input.name()));
    }
    Value value;
    value.name = input.name();
    const Shape* given = FindOverride(options_, input.name(), input_count);
    if (given) {
      value.shape = *given;
    } else {
      QRUN_ASSIGN_OR_RETURN(value.shape, DeclaredShape(input));
    }
    if (value.shape.empty()) {
      return Status::Unsupported(
          fmt::format("input '{}' is a scalar or has no shape; state it with --input-shape", input.name()));
    }
    if (value.shape[0] > 1) {
      Note(fmt::format("input '{}' has batch {} in the source; it is read as 1", input.name(),
                       value.shape[0]));
      builder_.fixed_batch = value.shape[0];
    }
    value.shape[0] = 1;
    if (ElementCount(value.shape) <= 0) {
      return Status::InvalidArgument(
          fmt::format("input '{}' has the impossible shape {}", input.name(), ShapeString(value.shape)));
    }
    const ValueId id = AddValue(builder_.graph(), std::move(value));
    builder_.graph().inputs.push_back(id);
    builder_.Name(input.name(), id);
    return Status::Ok();
  }

  Result<Shape> DeclaredShape(const onnx::ValueInfoProto& input) {
    Shape shape;
    std::string dynamic;
    for (const auto& dim : input.type().tensor_type().shape().dim()) {
      const bool fixed = dim.has_dim_value() && dim.dim_value() > 0;
      if (!fixed && !shape.empty()) {
        dynamic += fmt::format("{}{} ('{}')", dynamic.empty() ? "" : ", ", shape.size(), dim.dim_param());
      }
      shape.push_back(fixed ? dim.dim_value() : shape.empty() ? 1 : -1);
    }
    if (dynamic.empty()) return shape;
    return Status::Unsupported(
        fmt::format("input '{}' leaves the extents of axes {} open; state its shape with "
                    "--input-shape, e.g. {}:1,3,224,224",
                    input.name(), dynamic, input.name()));
  }

  Status Nodes() {
    for (const onnx::NodeProto& proto : proto_.node()) {
      ++report_->operators[proto.op_type()];
      bool reachable = true;
      std::vector<ValueId> inputs;
      for (const std::string& name : proto.input()) {
        if (name.empty()) {
          inputs.push_back(kNoValue);
        } else if (!builder_.Knows(name)) {
          Fail(proto, Status::InvalidModel(fmt::format("reads '{}', which nothing before it makes", name)));
          reachable = false;
        } else {
          inputs.push_back(builder_.Lookup(name));
          reachable = reachable && inputs.back() != kNoValue;
        }
      }
      Node(proto, std::move(inputs), reachable);
      // What a failed or partly imported node does not make is known, but has no value.
      for (const std::string& name : proto.output()) {
        if (!name.empty() && !builder_.Knows(name)) builder_.Name(name, kNoValue);
      }
    }
    if (failures_.empty()) return Status::Ok();
    return Status(failure_code_, fmt::format("{} of {} nodes cannot be converted:{}", failure_count_,
                                             proto_.node_size(), failures_));
  }

  // Imports one node. An unreachable one (its inputs could not be made) is only looked up, so that the
  // message lists every missing operator.
  void Node(const onnx::NodeProto& proto, std::vector<ValueId> inputs, bool reachable) {
    if (!IsStandardDomain(proto.domain())) {
      return Fail(proto, Status::Unsupported(fmt::format("operator of domain '{}'", proto.domain())));
    }
    for (const std::string& name : proto.output()) {
      if (!name.empty() && builder_.Knows(name)) {
        return Fail(proto, Status::InvalidModel(fmt::format("writes '{}' a second time", name)));
      }
    }
    const Importer importer = FindImporter(proto.op_type());
    if (!importer) return Fail(proto, Status::Unsupported("this operator is not supported"));
    if (!reachable) {
      if (failures_.empty()) Fail(proto, Status::Unsupported("reads an output that is not converted"));
      return;
    }
    const OnnxNode node(proto, opset_, std::move(inputs));
    if (Status status = importer(node, builder_); !status.ok()) Fail(proto, status);
  }

  void Fail(const onnx::NodeProto& proto, const Status& status) {
    const std::string& name = proto.name().empty() && proto.output_size() ? proto.output(0) : proto.name();
    failures_ += fmt::format("\n  {} '{}': {}", proto.op_type(), name, status.message());
    if (failure_count_++ == 0) failure_code_ = status.code();
    if (status.code() == StatusCode::kUnsupported) failure_code_ = StatusCode::kUnsupported;
  }

  Status Outputs() {
    Graph& graph = builder_.graph();
    if (proto_.output_size() == 0) return Status::InvalidModel("the graph has no outputs");
    std::set<ValueId> named(graph.inputs.begin(), graph.inputs.end());
    for (const onnx::ValueInfoProto& output : proto_.output()) {
      if (!builder_.Knows(output.name()) || builder_.Lookup(output.name()) == kNoValue) {
        return Status::InvalidModel(fmt::format("output '{}' is not made by any node", output.name()));
      }
      ValueId id = builder_.Lookup(output.name());
      if (graph.values[id].is_constant()) {
        return Status::Unsupported(fmt::format("output '{}' is a constant", output.name()));
      }
      if (!named.insert(id).second) id = Copy(output.name(), id);
      graph.values[id].name = output.name();
      graph.outputs.push_back(id);
    }
    return Status::Ok();
  }

  // An output that is also an input or another output needs a value of its own.
  ValueId Copy(const std::string& name, ValueId src) {
    Graph& graph = builder_.graph();
    Value value;
    value.shape = graph.values[src].shape;
    const ValueId id = AddValue(graph, std::move(value));
    graph.nodes.push_back({name, "Identity", Identity{}, {src}, {id}});
    return id;
  }

  const onnx::GraphProto& proto_;
  const int64_t opset_;
  const ImportOptions& options_;
  ImportReport* report_;
  GraphBuilder builder_;
  std::string failures_;
  int failure_count_ = 0;
  StatusCode failure_code_ = StatusCode::kUnsupported;
};

Result<Graph> ImportModel(std::string_view bytes, const std::string& directory, const ImportOptions& options,
                          ImportReport* report) {
  ImportReport unused;
  if (!report) report = &unused;
  *report = {};
  QRUN_ASSIGN_OR_RETURN(const onnx::ModelProto model, Parse(bytes));
  report->producer =
      model.producer_name() + (model.producer_version().empty() ? "" : " ") + model.producer_version();
  QRUN_RETURN_IF_ERROR(RejectQuantized(model.graph()));
  QRUN_ASSIGN_OR_RETURN(report->opset, FindOpset(model));
  return Import(model, report->opset, directory, options, report).Run();
}

}  // namespace

Result<Graph> ImportOnnxBytes(std::string_view bytes, const std::string& directory,
                              const ImportOptions& options, ImportReport* report) {
  return ImportModel(bytes, directory, options, report);
}

Result<Graph> ImportOnnx(const std::string& path, const ImportOptions& options, ImportReport* report) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status::Io(fmt::format("cannot open '{}'", path));
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return Status::Io(fmt::format("cannot read '{}'", path));
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (directory.empty()) directory = ".";
  Result<Graph> graph = ImportModel(bytes, directory, options, report);
  if (!graph.ok()) return graph.error().Annotate(path);
  if (graph->name.empty()) graph->name = std::filesystem::path(path).stem().string();
  return graph;
}

}  // namespace qrun::converter
