#include "runtime/cli/model_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "runtime/cli/model_report.h"
#include "runtime/cli/terminal.h"
#include "runtime/model_impl.h"

namespace qrun::cli {
namespace {

using nlohmann::json;

const fb::Tensor& TensorAt(const fb::Model& model, int index) {
  return *model.tensors()->Get(static_cast<uint32_t>(index));
}

bool IsConstant(const fb::Model& model, int index) {
  return index >= 0 && TensorAt(model, index).buffer() != 0;
}

// What a biased part of an operator reads: its input and weights are tensors that have scales.
struct BiasUnits {
  int src = -1, wei = -1;
};

// Of input k, if it is a bias.
BiasUnits UnitsOfBias(const fb::Operator& op, uint32_t k) {
  const auto input = [&](uint32_t i) { return op.inputs()->Get(i); };
  if (k == 0 || k % 2 != 0) return {};
  const auto* block = op.options_as_InvertedResidual();
  if (block == nullptr || k == 2) return {input(0), input(k - 1)};
  const auto behind = [](int part, const fb::PartFunction* function) {
    return function != nullptr ? function->result() : part;
  };
  if (k == 4) {
    const bool expands = block->expanded() >= 0;
    return {expands ? behind(block->expanded(), block->expand_function()) : input(0), input(3)};
  }
  if (k == 6) return {behind(block->filtered(), block->depthwise_function()), input(5)};
  return {};
}

// The constant's values in real numbers.
std::vector<double> Reals(const fb::Model& model, const fb::Operator& op, uint32_t k) {
  const fb::Tensor& tensor = TensorAt(model, op.inputs()->Get(k));
  const auto& bytes = *model.buffers()->Get(tensor.buffer())->data();
  std::vector<double> reals;
  if (tensor.dtype() == fb::DType::Float32) {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    reals.assign(values.begin(), values.end());
  } else if (tensor.dtype() == fb::DType::Int8) {
    const auto* values = reinterpret_cast<const int8_t*>(bytes.data());
    const fb::Quantization& quant = *tensor.quantization();
    const auto& scale = *quant.scale();
    size_t inner = 1;
    for (uint32_t axis = static_cast<uint32_t>(quant.axis() + 1);
         scale.size() > 1 && axis < tensor.shape()->size(); ++axis) {
      inner *= static_cast<size_t>(tensor.shape()->Get(axis));
    }
    for (uint32_t i = 0; i < bytes.size(); ++i) {
      const auto c = static_cast<uint32_t>(i / inner % scale.size());
      const int zero_point = quant.zero_point() ? quant.zero_point()->Get(c) : 0;
      reals.push_back(static_cast<double>(values[i] - zero_point) * scale.Get(c));
    }
  } else if (tensor.dtype() == fb::DType::Int32) {
    std::vector<int32_t> values(bytes.size() / sizeof(int32_t));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    const BiasUnits units = UnitsOfBias(op, k);
    const auto scale_of = [&](int index, size_t c) {
      const auto* quant = index < 0 ? nullptr : TensorAt(model, index).quantization();
      if (quant == nullptr || quant->scale() == nullptr) return 1.0;
      return static_cast<double>(quant->scale()->Get(static_cast<uint32_t>(c % quant->scale()->size())));
    };
    for (size_t c = 0; c < values.size(); ++c) {
      reals.push_back(values[c] * scale_of(units.src, 0) * scale_of(units.wei, c));
    }
  } else {
    reals.assign(bytes.begin(), bytes.end());
  }
  return reals;
}

// One operator of one model.
struct Side {
  const fb::Model& model;
  const fb::Operator& op;
  const json& row;  // of DescribeModel
};

std::string NameAt(const fb::Model& model, int index) {
  return index < 0 ? std::string() : TensorAt(model, index).name()->str();
}

// Everything about the operator that is no number: bytes that are equal if and only if the options are.
std::string OptionBytes(const fb::Operator& op) {
  fb::OperatorT unpacked;
  op.UnPackTo(&unpacked);
  unpacked.name.clear();
  unpacked.inputs.clear();
  unpacked.outputs.clear();
  if (auto* block = unpacked.options.AsInvertedResidual()) {
    // Indices; the tensors are compared.
    block->expanded = block->filtered = block->projected = -1;
    for (fb::PartFunctionT* function : {block->expand_function.get(), block->depthwise_function.get()}) {
      if (function != nullptr) function->result = -1;
    }
  }
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Operator::Pack(builder, &unpacked));
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

void AddDifference(json& list, const std::string& what, json a, json b) {
  list.push_back({{"what", what}, {"a", std::move(a)}, {"b", std::move(b)}});
}

json TensorFacts(const fb::Model& model, int index) {
  if (index < 0) return nullptr;
  const fb::Tensor& tensor = TensorAt(model, index);
  json facts = {{"dtype", fb::EnumNameDType(tensor.dtype())},
                {"shape", std::vector<int>(tensor.shape()->begin(), tensor.shape()->end())}};
  if (const auto* quant = tensor.quantization()) {
    if (quant->scale()) facts["scale"] = std::vector<float>(quant->scale()->begin(), quant->scale()->end());
    if (quant->zero_point()) {
      facts["zero_point"] = std::vector<int>(quant->zero_point()->begin(), quant->zero_point()->end());
    }
  }
  if (const auto* offsets = tensor.channel_offset()) {
    const auto* scales = tensor.channel_scale();
    facts["channel_scale"] = std::vector<float>(scales->begin(), scales->end());
    facts["channel_offset"] = std::vector<float>(offsets->begin(), offsets->end());
  }
  return facts;
}

json ConstantDifference(const Side& a, const Side& b, uint32_t k) {
  const int ta = a.op.inputs()->Get(k), tb = b.op.inputs()->Get(k);
  const fb::Tensor &left = TensorAt(a.model, ta), &right = TensorAt(b.model, tb);
  json result = {{"name", left.name()->str()}};
  const std::vector<double> x = Reals(a.model, a.op, k), y = Reals(b.model, b.op, k);
  const auto same_shape =
      std::equal(left.shape()->begin(), left.shape()->end(), right.shape()->begin(), right.shape()->end());
  if (!same_shape) {
    result["comparable"] = false;
    return result;
  }
  double max_abs = 0, signal = 0, noise = 0;
  int64_t different = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double d = x[i] - y[i];
    different += d != 0;
    max_abs = std::max(max_abs, std::abs(d));
    signal += x[i] * x[i];
    noise += d * d;
  }
  // Stored in other units with the same real values is a difference too.
  if (different == 0 && TensorFacts(a.model, ta) == TensorFacts(b.model, tb)) return nullptr;
  const double sqnr_db = 10 * std::log10(signal / noise);
  result["elements"] = x.size();
  result["different"] = different;
  result["max_abs"] = max_abs;
  result["sqnr_db"] = std::isfinite(sqnr_db) ? json(sqnr_db) : json();
  result["a"] = fb::EnumNameDType(left.dtype());
  result["b"] = fb::EnumNameDType(right.dtype());
  return result;
}

// Null if the operators are equal.
json OperatorDifference(const Side& a, const Side& b) {
  json differences = json::array(), constants = json::array();
  for (const char* key :
       {"type", "output", "shape", "dtype", "scale", "zero_point", "params", "macs", "weight_bytes"}) {
    const json left = a.row.value(key, json()), right = b.row.value(key, json());
    if (left != right) AddDifference(differences, key, left, right);
  }
  if (OptionBytes(a.op) != OptionBytes(b.op))
    AddDifference(differences, "options", a.row["options"], b.row["options"]);
  json reads_a = json::array(), reads_b = json::array();
  for (int32_t i : *a.op.inputs()) reads_a.push_back(IsConstant(a.model, i) ? "" : NameAt(a.model, i));
  for (int32_t i : *b.op.inputs()) reads_b.push_back(IsConstant(b.model, i) ? "" : NameAt(b.model, i));
  if (reads_a != reads_b) AddDifference(differences, "reads", reads_a, reads_b);
  const auto *block_a = a.op.options_as_InvertedResidual(), *block_b = b.op.options_as_InvertedResidual();
  if (block_a && block_b) {
    const auto inner = [&](const char* what, int left, int right) {
      const json x = TensorFacts(a.model, left), y = TensorFacts(b.model, right);
      if (x != y) AddDifference(differences, what, x, y);
    };
    inner("expanded", block_a->expanded(), block_b->expanded());
    const auto result = [&](const char* what, const fb::PartFunction* left, const fb::PartFunction* right) {
      inner(what, left != nullptr ? left->result() : -1, right != nullptr ? right->result() : -1);
    };
    result("expand_function", block_a->expand_function(), block_b->expand_function());
    inner("filtered", block_a->filtered(), block_b->filtered());
    result("depthwise_function", block_a->depthwise_function(), block_b->depthwise_function());
    inner("projected", block_a->projected(), block_b->projected());
  }
  for (uint32_t k = 0; k < std::min(a.op.inputs()->size(), b.op.inputs()->size()); ++k) {
    if (!IsConstant(a.model, a.op.inputs()->Get(k)) || !IsConstant(b.model, b.op.inputs()->Get(k))) continue;
    json constant = ConstantDifference(a, b, k);
    if (!constant.is_null()) constants.push_back(std::move(constant));
  }
  if (differences.empty() && constants.empty()) return nullptr;
  return {{"name", a.row["name"]},
          {"type", a.row["type"]},
          {"differences", differences},
          {"constants", constants}};
}

// name and occurrence -> index
std::map<std::pair<std::string, int>, uint32_t> OperatorsByName(const fb::Model& model) {
  std::map<std::string, int> count;
  std::map<std::pair<std::string, int>, uint32_t> result;
  for (uint32_t i = 0; i < model.operators()->size(); ++i) {
    const std::string name = model.operators()->Get(i)->name()->str();
    result[{name, count[name]++}] = i;
  }
  return result;
}

json ModelDifferences(const json& a, const json& b) {
  json list = json::array();
  for (const char* key : {"name", "producer", "format_version", "file_bytes", "inputs", "outputs", "labels",
                          "promised_arena_bytes"}) {
    const json left = a.value(key, json()), right = b.value(key, json());
    if (left != right) AddDifference(list, key, left, right);
  }
  for (const std::string part : {"preprocessing", "provenance"}) {
    const json from_a = a.value(part, json::object()), from_b = b.value(part, json::object());
    json keys = from_a;
    keys.update(from_b);
    for (const auto& [key, unused] : keys.items()) {
      const json left = from_a.value(key, json()), right = from_b.value(key, json());
      if (left != right) AddDifference(list, part + "." + key, left, right);
    }
  }
  return list;
}

std::string ValueText(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  constexpr size_t kMost = 120;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

}  // namespace

json DiffModels(const Model& model_a, const Model& model_b) {
  const json rows_a = DescribeModel(model_a), rows_b = DescribeModel(model_b);
  const fb::Model &a = *model_a.impl().file, &b = *model_b.impl().file;
  json result = {{"a",
                  {{"name", rows_a["name"]},
                   {"file_bytes", rows_a["file_bytes"]},
                   {"operators", a.operators()->size()}}},
                 {"b",
                  {{"name", rows_b["name"]},
                   {"file_bytes", rows_b["file_bytes"]},
                   {"operators", b.operators()->size()}}},
                 {"model", ModelDifferences(rows_a, rows_b)},
                 {"only_a", json::array()},
                 {"only_b", json::array()},
                 {"operators", json::array()}};
  const auto in_a = OperatorsByName(a), in_b = OperatorsByName(b);
  const auto only = [](const json& rows, uint32_t i) {
    return json{{"name", rows["operators"][i]["name"]}, {"type", rows["operators"][i]["type"]}};
  };
  std::map<uint32_t, uint32_t> pairs;  // in the order of a
  for (const auto& [name, i] : in_a) {
    if (const auto found = in_b.find(name); found != in_b.end()) pairs[i] = found->second;
  }
  int same = 0;
  bool in_order = true;
  int64_t last = -1;
  for (uint32_t i = 0; i < a.operators()->size(); ++i) {
    const auto pair = pairs.find(i);
    if (pair == pairs.end()) {
      result["only_a"].push_back(only(rows_a, i));
      continue;
    }
    in_order = in_order && pair->second > last;
    last = pair->second;
    const Side left{a, *a.operators()->Get(i), rows_a["operators"][i]};
    const Side right{b, *b.operators()->Get(pair->second), rows_b["operators"][pair->second]};
    json difference = OperatorDifference(left, right);
    same += difference.is_null();
    if (!difference.is_null()) result["operators"].push_back(std::move(difference));
  }
  std::vector<bool> paired(b.operators()->size(), false);
  for (const auto& [left, right] : pairs) paired[right] = true;
  for (uint32_t i = 0; i < b.operators()->size(); ++i) {
    if (!paired[i]) result["only_b"].push_back(only(rows_b, i));
  }
  if (!in_order) AddDifference(result["model"], "order of operators", nullptr, nullptr);
  result["same_operators"] = same;
  result["equal"] = result["model"].empty() && result["only_a"].empty() && result["only_b"].empty() &&
                    result["operators"].empty();
  return result;
}

std::string DiffText(const json& diff) {
  if (diff["equal"].get<bool>()) return "the models are equal\n";
  std::string text =
      fmt::format("a  {}, {} operators, {}\nb  {}, {} operators, {}\n", diff["a"]["name"].get<std::string>(),
                  diff["a"]["operators"].get<size_t>(), BytesText(diff["a"]["file_bytes"].get<uint64_t>()),
                  diff["b"]["name"].get<std::string>(), diff["b"]["operators"].get<size_t>(),
                  BytesText(diff["b"]["file_bytes"].get<uint64_t>()));
  const auto differences = [&](const json& list, const char* indent) {
    for (const json& difference : list) {
      text += fmt::format("{}{}: {} | {}\n", indent, difference["what"].get<std::string>(),
                          ValueText(difference["a"]), ValueText(difference["b"]));
    }
  };
  differences(diff["model"], "  ");
  for (const char* side : {"a", "b"}) {
    for (const json& op : diff[std::string("only_") + side]) {
      text += fmt::format("only in {}: {} ({})\n", side, op["name"].get<std::string>(),
                          op["type"].get<std::string>());
    }
  }
  for (const json& op : diff["operators"]) {
    text += fmt::format("{} ({})\n", op["name"].get<std::string>(), op["type"].get<std::string>());
    differences(op["differences"], "  ");
    for (const json& constant : op["constants"]) {
      if (constant.contains("comparable")) {
        text += fmt::format("  {}: other shapes\n", constant["name"].get<std::string>());
        continue;
      }
      text += fmt::format("  {}: {} of {} values differ, by up to {:.4g}{}\n",
                          constant["name"].get<std::string>(), constant["different"].get<int64_t>(),
                          constant["elements"].get<size_t>(), constant["max_abs"].get<double>(),
                          constant["sqnr_db"].is_null()
                              ? ""
                              : fmt::format(", SQNR {:.1f} dB", constant["sqnr_db"].get<double>()));
    }
  }
  text += fmt::format("{} operators are the same, {} differ\n", diff["same_operators"].get<int>(),
                      diff["operators"].size());
  return text;
}

}  // namespace qrun::cli
