#include "converter/precision/hybrid_session.h"

#include <algorithm>
#include <cstring>

namespace qrun::converter {

Result<HybridSession> HybridSession::Create(const HybridModel& model) {
  HybridSession session(model);
  SessionOptions options;
  options.reproducible_float = true;
  for (size_t i = 0; i < model.nodes(); ++i) {
    QRUN_ASSIGN_OR_RETURN(Session own, Session::Create(model.FormOf(i, false).model, options));
    session.float_.push_back(std::move(own));
    session.int8_.emplace_back();
    if (!model.HasInt8(i)) continue;
    QRUN_ASSIGN_OR_RETURN(Session quantized, Session::Create(model.FormOf(i, true).model, options));
    session.int8_.back() = std::move(quantized);
  }
  session.base_.resize(model.values());
  session.variant_.resize(model.values());
  session.changed_.assign(model.values(), false);
  return session;
}

Result<std::vector<HybridSession>> HybridSession::CreateSeveral(const HybridModel& model, size_t count) {
  std::vector<HybridSession> sessions;
  for (size_t i = 0; i < count; ++i) {
    QRUN_ASSIGN_OR_RETURN(HybridSession session, Create(model));
    sessions.push_back(std::move(session));
  }
  return sessions;
}

Status HybridSession::Run(std::span<const std::vector<float>> inputs, const NodeForms& forms) {
  inputs_.assign(inputs.begin(), inputs.end());
  forms_ = forms;
  changed_.assign(changed_.size(), false);
  QRUN_RETURN_IF_ERROR(LoadInputs(forms, base_));
  for (size_t i = 0; i < model_.nodes(); ++i) QRUN_RETURN_IF_ERROR(RunNode(i, forms[i], base_));
  return Status::Ok();
}

Status HybridSession::RunVariant(const NodeForms& forms) {
  changed_.assign(changed_.size(), false);
  QRUN_RETURN_IF_ERROR(LoadInputs(forms, variant_));
  for (ValueId id : model_.inputs()) Compare(id);
  return RunFollowing(forms);
}

Status HybridSession::RunChanged(ValueId id, std::span<const float> values) {
  changed_.assign(changed_.size(), false);
  const auto bytes = std::as_bytes(values);
  variant_[id].bytes.assign(bytes.begin(), bytes.end());
  variant_[id].int8 = false;
  Compare(id);
  return RunFollowing(forms_);
}

// Runs the nodes whose form is not the last Run's or that read what changed.
Status HybridSession::RunFollowing(const NodeForms& forms) {
  for (size_t i = 0; i < model_.nodes(); ++i) {
    const auto& inputs = model_.FormOf(i, forms[i]).inputs;
    const bool reads_change =
        std::any_of(inputs.begin(), inputs.end(), [&](ValueId id) { return changed_[id]; });
    if (forms[i] == forms_[i] && !reads_change) continue;
    QRUN_RETURN_IF_ERROR(RunNode(i, forms[i], variant_));
    for (ValueId id : model_.NodeOutputs(i)) Compare(id);
  }
  return Status::Ok();
}

std::span<const float> HybridSession::BaseFloats(ValueId id) const {
  const std::vector<std::byte>& bytes = base_[id].bytes;
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

OutputValues HybridSession::Outputs() const {
  OutputValues outputs;
  for (ValueId id : model_.outputs()) outputs.push_back(Reals(id));
  return outputs;
}

std::vector<float> HybridSession::Reals(ValueId id) const {
  const Activation& activation = Get(id);
  const size_t bytes = activation.bytes.size();
  if (!activation.int8) {
    std::vector<float> reals(bytes / sizeof(float));
    std::memcpy(reals.data(), activation.bytes.data(), bytes);
    return reals;
  }
  // As dequantize_s8_f32.
  const AffineParams params = model_.Params(id);
  std::vector<float> reals(bytes);
  for (size_t i = 0; i < bytes; ++i) {
    const int q = static_cast<int8_t>(activation.bytes[i]);
    reals[i] = static_cast<float>(q - params.zero_point) * params.scale;
  }
  return reals;
}

Status HybridSession::LoadInputs(const NodeForms& forms, std::vector<Activation>& to) {
  for (size_t k = 0; k < inputs_.size(); ++k) {
    Activation& input = to[model_.inputs()[k]];
    const auto bytes = std::as_bytes(std::span(inputs_[k]));
    input.bytes.assign(bytes.begin(), bytes.end());
    input.int8 = false;
    ClampFloats(model_.inputs()[k], input);
    for (size_t i = 0; i < model_.nodes() && !input.int8; ++i) {
      if (!forms[i]) continue;
      const auto& read = model_.FormOf(i, true).inputs;
      const auto at = std::find(read.begin(), read.end(), model_.inputs()[k]);
      if (at == read.end()) continue;
      // An int8 reader's session quantises as the file's input does.
      const int index = static_cast<int>(at - read.begin());
      QRUN_RETURN_IF_ERROR(int8_[i]->SetInput(index, inputs_[k]));
      const auto quantized = int8_[i]->InputBytes(index);
      input.bytes.assign(quantized.begin(), quantized.end());
      input.int8 = true;
    }
  }
  return Status::Ok();
}

void HybridSession::ClampFloats(ValueId id, Activation& activation) const {
  if (clamps_.empty() || activation.int8) return;
  float* values = reinterpret_cast<float*>(activation.bytes.data());
  for (size_t i = 0; i < activation.bytes.size() / sizeof(float); ++i) {
    values[i] = std::clamp(values[i], clamps_[id].min, clamps_[id].max);
  }
}

Status HybridSession::RunNode(size_t node, bool int8, std::vector<Activation>& to) {
  Session& session = int8 ? *int8_[node] : *float_[node];
  const auto& inputs = model_.FormOf(node, int8).inputs;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Activation& activation = Get(inputs[k]);
    const int index = static_cast<int>(k);
    if (activation.int8 == int8) {
      std::memcpy(session.InputBytes(index).data(), activation.bytes.data(), activation.bytes.size());
    } else {
      QRUN_RETURN_IF_ERROR(session.SetInput(index, Reals(inputs[k])));
    }
  }
  session.Run();
  const auto& outputs = model_.NodeOutputs(node);
  for (size_t k = 0; k < outputs.size(); ++k) {
    const auto bytes = session.OutputBytes(static_cast<int>(k));
    to[outputs[k]].bytes.assign(bytes.begin(), bytes.end());
    to[outputs[k]].int8 = int8;
    ClampFloats(outputs[k], to[outputs[k]]);
  }
  return Status::Ok();
}

}  // namespace qrun::converter
