#include "schema/unfolded.h"

#include "schema/cat.h"
#include "schema/verify.h"

namespace qrun::schema {
namespace {

// Each addend is below 2^31 times a small number: the sum cannot overflow before somebody asks.
class Sum {
 public:
  void Add(const flatbuffers::String* text) { bytes_ += text == nullptr ? 0 : text->size(); }
  template <class T>
  void Add(const flatbuffers::Vector<T>* list) {
    bytes_ += list == nullptr ? 0 : int64_t{list->size()} * static_cast<int64_t>(sizeof(T));
  }
  void Add(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* list) {
    for (uint32_t i = 0; list != nullptr && i < list->size() && !too_much(); ++i) Add(list->Get(i));
  }
  bool too_much() const { return bytes_ > static_cast<int64_t>(kMaxModelBytes); }

 private:
  int64_t bytes_ = 0;
};

void AddTensor(const fb::Model& model, const fb::Tensor& tensor, Sum& sum) {
  sum.Add(tensor.name());
  sum.Add(tensor.shape());
  sum.Add(tensor.channel_scale());
  sum.Add(tensor.channel_offset());
  if (const fb::Quantization* quantization = tensor.quantization()) {
    sum.Add(quantization->scale());
    sum.Add(quantization->zero_point());
  }
  if (tensor.buffer() < model.buffers()->size()) sum.Add(model.buffers()->Get(tensor.buffer())->data());
}

void AddTensors(const fb::Model& model, const flatbuffers::Vector<int32_t>* indices, Sum& sum) {
  sum.Add(indices);
  for (uint32_t i = 0; indices != nullptr && i < indices->size() && !sum.too_much(); ++i) {
    const uint32_t index = static_cast<uint32_t>(indices->Get(i));
    if (index < model.tensors()->size()) AddTensor(model, *model.tensors()->Get(index), sum);
  }
}

bool AsksForTooMuch(const fb::Model& model) {
  Sum tensors, operators, texts;
  for (uint32_t i = 0; i < model.tensors()->size() && !tensors.too_much(); ++i) {
    AddTensor(model, *model.tensors()->Get(i), tensors);
  }
  for (uint32_t i = 0; i < model.operators()->size() && !operators.too_much(); ++i) {
    const fb::Operator& op = *model.operators()->Get(i);
    operators.Add(op.name());
    operators.Add(op.outputs());
    if (const fb::Conv2D* conv = op.options_as_Conv2D()) operators.Add(conv->pad_values());
    AddTensors(model, op.inputs(), operators);
  }
  for (const auto* list : {model.inputs(), model.outputs()}) AddTensors(model, list, texts);
  texts.Add(model.labels());
  if (const fb::Provenance* provenance = model.provenance()) {
    texts.Add(provenance->recipe());
    texts.Add(provenance->arguments());
  }
  return tensors.too_much() || operators.too_much() || texts.too_much();
}

}  // namespace

Status CheckUnfolded(const fb::Model& model) {
  if (!AsksForTooMuch(model)) return Status::Ok();
  return Status::ResourceLimit(Cat("counted as often as the file names them, its parts take more than ",
                                   kMaxModelBytes, " bytes, the limit whether they are shared or not"));
}

}  // namespace qrun::schema
