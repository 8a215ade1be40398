#include "runtime/cli/model_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/cli/terminal.h"
#include "runtime/model_impl.h"

namespace qrun::cli {
namespace {

using nlohmann::json;

std::string TypeName(fb::DType dtype) {
  switch (dtype) {
    case fb::DType::Float32:
      return "float32";
    case fb::DType::Int8:
      return "int8";
    case fb::DType::Int32:
      return "int32";
    case fb::DType::UInt8:
      return "uint8";
  }
  return "?";
}

int64_t Elements(const fb::Tensor& tensor) {
  int64_t count = 1;
  for (int32_t extent : *tensor.shape()) count *= extent;
  return count;
}

json TensorJson(const fb::Tensor& tensor) {
  json result = {{"name", tensor.name()->str()},
                 {"shape", std::vector<int>(tensor.shape()->begin(), tensor.shape()->end())},
                 {"dtype", TypeName(tensor.dtype())}};
  if (tensor.dtype() == fb::DType::Int8 && tensor.quantization()->scale()->size() == 1) {
    result["scale"] = tensor.quantization()->scale()->Get(0);
    result["zero_point"] =
        tensor.quantization()->zero_point() ? tensor.quantization()->zero_point()->Get(0) : 0;
  }
  if (const auto* offsets = tensor.channel_offset()) {
    const auto* scales = tensor.channel_scale();
    result["channel_scale"] = std::vector<float>(scales->begin(), scales->end());
    result["channel_offset"] = std::vector<float>(offsets->begin(), offsets->end());
  }
  if (tensor.source_layout() == fb::SourceLayout::Nchw) result["source_layout"] = "NCHW";
  return result;
}

// Infinity has no JSON number: an open end is null.
json ClampJson(const fb::Clamp& clamp) {
  const auto number = [](float value) { return std::isfinite(value) ? json(value) : json(nullptr); };
  return json::array({number(clamp.min()), number(clamp.max())});
}

template <class Window>
void DescribeWindow(const Window& options, json& result) {
  result["stride"] = {options.stride_h(), options.stride_w()};
  result["pad"] = {options.pad_top(), options.pad_left(), options.pad_bottom(), options.pad_right()};
  if (options.clamp() != nullptr) result["clamp"] = ClampJson(*options.clamp());
}

json OptionsJson(const fb::Operator& op, const fb::Model& model) {
  json result = json::object();
  const auto kernel = [&](int input, int axis) {
    const auto& shape = *model.tensors()->Get(op.inputs()->Get(input))->shape();
    return json::array({shape.Get(axis), shape.Get(axis + 1)});
  };
  if (const auto* conv = op.options_as_Conv2D()) {
    DescribeWindow(*conv, result);
    result["kernel"] = kernel(1, 1);
    result["groups"] = conv->groups();
    if (conv->dilation_h() != 1 || conv->dilation_w() != 1) {
      result["dilation"] = {conv->dilation_h(), conv->dilation_w()};
    }
    if (conv->input_dilation_h() != 1 || conv->input_dilation_w() != 1) {
      result["input_dilation"] = {conv->input_dilation_h(), conv->input_dilation_w()};
    }
    if (const auto* pad_values = conv->pad_values()) {
      result["pad_values"] = std::vector<float>(pad_values->begin(), pad_values->end());
    }
  } else if (const auto* depthwise = op.options_as_DepthwiseConv2D()) {
    DescribeWindow(*depthwise, result);
    result["kernel"] = kernel(1, 0);
  } else if (const auto* pool = op.options_as_Pool2D()) {
    DescribeWindow(*pool, result);
    result["kind"] = fb::EnumNamePoolKind(pool->kind());
    result["kernel"] = {pool->kernel_h(), pool->kernel_w()};
  } else if (const auto* block = op.options_as_InvertedResidual()) {
    result["expand"] = block->expand() != nullptr;
    result["residual"] = block->residual();
    const auto function = [&](const char* name, const fb::PartFunction* of) {
      if (of == nullptr) return;
      result[name] = of->function() != nullptr ? fb::EnumNameUnaryKind(of->function()->kind()) : "table";
    };
    function("expand_function", block->expand_function());
    function("depthwise_function", block->depthwise_function());
    result["stride"] = {block->depthwise()->stride_h(), block->depthwise()->stride_w()};
    result["kernel"] = kernel(3, 0);
  } else if (const auto* unary = op.options_as_Unary()) {
    result["kind"] = fb::EnumNameUnaryKind(unary->kind());
  } else if (const auto* binary = op.options_as_Binary()) {
    result["kind"] = fb::EnumNameBinaryKind(binary->kind());
  } else if (const auto* fc = op.options_as_FullyConnected()) {
    if (fc->clamp() != nullptr) result["clamp"] = ClampJson(*fc->clamp());
  } else if (const auto* concat = op.options_as_Concat()) {
    result["axis"] = concat->axis();
  }
  return result;
}

// Multiply-accumulates of the operators that have weights; every weight is used once per output pixel.
int64_t OperatorMacs(const fb::Operator& op, const fb::Model& model) {
  const auto tensor = [&](int index) -> const fb::Tensor& { return *model.tensors()->Get(index); };
  const auto pixels = [&](int index) {
    const auto& shape = *tensor(index).shape();
    return int64_t{shape.Get(1)} * shape.Get(2);
  };
  const int dst = op.outputs()->Get(0);
  switch (op.options_type()) {
    case fb::Options::Conv2D:
    case fb::Options::DepthwiseConv2D:
      return pixels(dst) * Elements(tensor(op.inputs()->Get(1)));
    case fb::Options::FullyConnected: {
      const fb::Tensor& wei = tensor(op.inputs()->Get(1));
      return Elements(tensor(op.inputs()->Get(0))) * wei.shape()->Get(0);
    }
    case fb::Options::InvertedResidual: {
      const auto* block = op.options_as_InvertedResidual();
      int64_t macs = pixels(block->filtered()) *
                     (Elements(tensor(op.inputs()->Get(3))) + Elements(tensor(op.inputs()->Get(5))));
      if (block->expand() != nullptr)
        macs += pixels(block->expanded()) * Elements(tensor(op.inputs()->Get(1)));
      return macs;
    }
    default:
      return 0;
  }
}

json PreprocessingJson(const Preprocessing& pre) {
  static constexpr const char* kRules[] = {"short_side", "stretch", "none"};
  static constexpr const char* kColors[] = {"rgb", "bgr", "gray"};
  return {{"preset", pre.preset},
          {"rule", kRules[static_cast<int>(pre.rule)]},
          {"resize", pre.resize},
          {"crop", {pre.crop_h, pre.crop_w}},
          {"color", kColors[static_cast<int>(pre.color)]},
          {"mean", pre.mean},
          {"std", pre.std},
          {"golden_hash", fmt::format("{:016x}", pre.golden_hash)}};
}

std::string ShapeText(const json& shape) {
  std::string text;
  for (const auto& extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent.get<int>());
  return text;
}

std::string QuantText(const json& tensor) {
  if (!tensor.contains("scale")) return tensor["dtype"].get<std::string>();
  return fmt::format("int8 {:.6g} zp {}", tensor["scale"].get<float>(), tensor["zero_point"].get<int>());
}

// Per step: bytes of the arena that hold a value or scratch. Slots may overlap where a step writes over its
// input; such bytes count once.
std::vector<uint64_t> LiveBytes(const Session& session) {
  std::vector<ArenaSlot> slots = session.arena_map();
  std::sort(slots.begin(), slots.end(),
            [](const ArenaSlot& a, const ArenaSlot& b) { return a.offset < b.offset; });
  std::vector<uint64_t> live(session.steps().size(), 0);
  std::vector<size_t> end(live.size(), 0);  // of what has been counted
  for (const ArenaSlot& slot : slots) {
    for (auto step = static_cast<size_t>(slot.first_step); step <= static_cast<size_t>(slot.last_step);
         ++step) {
      const size_t begin = std::max(end[step], slot.offset), stop = slot.offset + slot.bytes;
      if (stop <= begin) continue;
      live[step] += stop - begin;
      end[step] = stop;
    }
  }
  return live;
}

}  // namespace

json DescribeModel(const Model& model) {
  const fb::Model& file = *model.impl().file;
  json result = {{"name", model.name()},
                 {"producer", model.producer()},
                 {"format_version", file.version()},
                 {"file_bytes", model.file_bytes()},
                 {"labels", model.labels()},
                 {"inputs", json::array()},
                 {"outputs", json::array()},
                 {"operators", json::array()}};
  for (int32_t i : *file.inputs()) result["inputs"].push_back(TensorJson(*file.tensors()->Get(i)));
  for (int32_t i : *file.outputs()) result["outputs"].push_back(TensorJson(*file.tensors()->Get(i)));
  if (model.preprocessing() != nullptr) result["preprocessing"] = PreprocessingJson(*model.preprocessing());
  if (const auto* from = file.provenance()) {
    const auto text = [](const flatbuffers::String* s) { return s ? s->str() : std::string(); };
    result["provenance"] = {{"source_name", text(from->source_name())},
                            {"source_sha256", text(from->source_sha256())},
                            {"source_bytes", from->source_bytes()},
                            {"options", text(from->options())},
                            {"calibration", text(from->calibration())},
                            {"calibration_name", text(from->calibration_name())},
                            {"calibration_sha256", text(from->calibration_sha256())},
                            {"arguments", json::array()},
                            {"recipe", json::array()}};
    if (from->arguments() != nullptr) {
      for (const auto* word : *from->arguments()) result["provenance"]["arguments"].push_back(word->str());
    }
    if (from->recipe() != nullptr) {
      for (const auto* step : *from->recipe()) result["provenance"]["recipe"].push_back(step->str());
    }
  }
  result["promised_arena_bytes"] = file.arena_bytes();

  int64_t total_params = 0, total_macs = 0;
  uint64_t total_weight_bytes = 0;
  std::vector<char> counted(file.tensors()->size(), 0);
  for (uint32_t i = 0; i < file.operators()->size(); ++i) {
    const fb::Operator& op = *file.operators()->Get(i);
    int64_t params = 0;
    uint64_t weight_bytes = 0;
    std::vector<int> inputs(op.inputs()->begin(), op.inputs()->end());
    for (int input : inputs) {
      if (input < 0 || file.tensors()->Get(input)->buffer() == 0) continue;
      const fb::Tensor& constant = *file.tensors()->Get(input);
      params += Elements(constant);
      const uint64_t bytes = file.buffers()->Get(constant.buffer())->data()->size();
      weight_bytes += bytes;
      if (!std::exchange(counted[input], 1)) {
        total_params += Elements(constant);
        total_weight_bytes += bytes;
      }
    }
    const int64_t macs = OperatorMacs(op, file);
    total_macs += macs;
    json row = TensorJson(*file.tensors()->Get(op.outputs()->Get(0)));
    row["output"] = row["name"];
    row["index"] = i;
    row["name"] = op.name()->str();
    row["type"] = fb::EnumNameOptions(op.options_type());
    row["inputs"] = inputs;
    row["params"] = params;
    row["macs"] = macs;
    row["weight_bytes"] = weight_bytes;
    row["options"] = OptionsJson(op, file);
    result["operators"].push_back(std::move(row));
  }
  result["params"] = total_params;
  result["macs"] = total_macs;
  result["weight_bytes"] = total_weight_bytes;
  return result;
}

json DescribePlan(const Session& session) {
  json result = {{"isa", session.isa()},
                 {"threads", session.threads()},
                 {"batch", session.inputs()[0].extents[0]},
                 {"arena_bytes", session.arena_bytes()},
                 {"packed_weight_bytes", session.packed_weight_bytes()},
                 {"steps", json::array()},
                 {"arena", json::array()}};
  const std::vector<uint64_t> live_bytes = LiveBytes(session);
  for (size_t i = 0; i < session.steps().size(); ++i) {
    const StepInfo& step = session.steps()[i];
    result["steps"].push_back({{"index", i},
                               {"name", step.name},
                               {"kind", step.kind},
                               {"candidate", step.candidate},
                               {"declined", step.declined},
                               {"macs", step.macs},
                               {"packed_weight_bytes", step.packed_weight_bytes},
                               {"scratch_bytes", step.scratch_bytes},
                               {"live_bytes", live_bytes[i]}});
  }
  std::vector<ArenaSlot> slots = session.arena_map();
  std::stable_sort(slots.begin(), slots.end(),
                   [](const ArenaSlot& a, const ArenaSlot& b) { return a.first_step < b.first_step; });
  for (const ArenaSlot& slot : slots) {
    result["arena"].push_back({{"name", slot.name},
                               {"offset", slot.offset},
                               {"bytes", slot.bytes},
                               {"first_step", slot.first_step},
                               {"last_step", slot.last_step}});
  }
  return result;
}

std::string ModelText(const json& model) {
  std::string text =
      fmt::format("{}  ({}, {}, made by {})\n", model["name"].get<std::string>(),
                  BytesText(model["file_bytes"].get<uint64_t>()),
                  fmt::format("{} parameters, {} MACs", CountText(model["params"].get<int64_t>()),
                              CountText(model["macs"].get<int64_t>())),
                  model["producer"].get<std::string>());
  for (const char* side : {"inputs", "outputs"}) {
    for (const json& tensor : model[side]) {
      text += fmt::format("  {:7} {}  {}  {}{}\n", std::string(side, std::string(side).size() - 1),
                          tensor["name"].get<std::string>(), ShapeText(tensor["shape"]), QuantText(tensor),
                          tensor.contains("source_layout") ? "  (source: NCHW)" : "");
    }
  }
  if (model.contains("preprocessing")) {
    const json& pre = model["preprocessing"];
    text += fmt::format("  image   {} resize {} crop {} {} mean {} std {}\n", pre["rule"].get<std::string>(),
                        pre["resize"].dump(), ShapeText(pre["crop"]), pre["color"].get<std::string>(),
                        fmt::join(pre["mean"].get<std::vector<float>>(), " "),
                        fmt::join(pre["std"].get<std::vector<float>>(), " "));
  }
  if (!model["labels"].empty()) text += fmt::format("  labels  {}\n", model["labels"].size());
  if (model.contains("provenance")) {
    const json& from = model["provenance"];
    text += fmt::format("  source  {} sha256 {}\n  options {}\n", from["source_name"].get<std::string>(),
                        from["source_sha256"].get<std::string>(), from["options"].get<std::string>());
    if (const std::string hash = from["calibration_sha256"]; !hash.empty()) {
      text += fmt::format("  samples {} sha256 {}\n", from["calibration"].get<std::string>(), hash);
    }
    for (const json& step : from["recipe"]) text += fmt::format("  recipe  {}\n", step.get<std::string>());
  }

  size_t name_width = 8;
  for (const json& op : model["operators"])
    name_width = std::max(name_width, op["name"].get<std::string>().size());
  name_width = std::min<size_t>(name_width, 40);
  text += fmt::format("\n{:>4}  {:{}}  {:16}  {:>14}  {:>9}  {:>9}  {:>10}  {}\n", "#", "operator",
                      name_width, "type", "output", "params", "MACs", "bytes", "quantisation");
  for (const json& op : model["operators"]) {
    std::string name = op["name"].get<std::string>();
    if (name.size() > name_width) name = "..." + name.substr(name.size() - name_width + 3);
    text += fmt::format("{:>4}  {:{}}  {:16}  {:>14}  {:>9}  {:>9}  {:>10}  {}\n", op["index"].get<int>(),
                        name, name_width, op["type"].get<std::string>(), ShapeText(op["shape"]),
                        CountText(op["params"].get<int64_t>()), CountText(op["macs"].get<int64_t>()),
                        BytesText(op["weight_bytes"].get<uint64_t>()), QuantText(op));
  }
  return text;
}

std::string PlanText(const json& plan) {
  std::string text =
      fmt::format("\nplan for {}, {} thread(s), batch {}: {} steps, arena {}, weights packed {}\n",
                  plan["isa"].get<std::string>(), plan["threads"].get<int>(), plan["batch"].get<int>(),
                  plan["steps"].size(), BytesText(plan["arena_bytes"].get<uint64_t>()),
                  BytesText(plan["packed_weight_bytes"].get<uint64_t>()));
  size_t name_width = 4;
  for (const json& step : plan["steps"])
    name_width = std::max(name_width, step["name"].get<std::string>().size());
  for (const json& step : plan["steps"]) {
    text += fmt::format("{:>4}  {:{}}  {:34}  {:>9} MACs  packed {:>10}  scratch {:>9}\n",
                        step["index"].get<int>(), step["name"].get<std::string>(), name_width,
                        step["candidate"].get<std::string>(), CountText(step["macs"].get<int64_t>()),
                        BytesText(step["packed_weight_bytes"].get<uint64_t>()),
                        BytesText(step["scratch_bytes"].get<uint64_t>()));
    for (const json& reason : step["declined"]) {
      text += fmt::format("      declined: {}\n", reason.get<std::string>());
    }
  }

  // Each block as a bar over the arena's offsets.
  constexpr size_t kBar = 48;
  const size_t arena = std::max<size_t>(1, plan["arena_bytes"].get<size_t>());
  text += fmt::format("\narena map (0 .. {} bytes)\n{:>12}  {:>10}  {:>11}  {:{}}  tensor\n", arena, "offset",
                      "bytes", "steps", "place", kBar + 2);
  for (const json& slot : plan["arena"]) {
    const size_t offset = slot["offset"].get<size_t>(), bytes = slot["bytes"].get<size_t>();
    const size_t from = offset * kBar / arena;
    const size_t to = std::min(kBar, std::max(from + 1, (offset + bytes) * kBar / arena));
    const std::string bar =
        std::string(from, ' ') + std::string(to - from, '#') + std::string(kBar - to, ' ');
    text += fmt::format("{:>12}  {:>10}  {:>4} .. {:>3}  [{}]  {}\n", offset, bytes,
                        slot["first_step"].get<int>(), slot["last_step"].get<int>(), bar,
                        slot["name"].get<std::string>());
  }
  return text;
}

}  // namespace qrun::cli
