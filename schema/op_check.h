// What the per-operator checks of schema/ops/ share: access to an operator's tensors and the rules that
// recur.
#ifndef QRUN_SCHEMA_OP_CHECK_H_
#define QRUN_SCHEMA_OP_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schema/cat.h"
#include "schema/qfb_generated.h"
#include "schema/status.h"

namespace qrun::schema {

// "[1, 8, 8, 16]"
std::string ShapeText(const fb::Tensor& tensor);
int64_t ElementCount(const fb::Tensor& tensor);
bool SameShape(const fb::Tensor& a, const fb::Tensor& b);
bool SameQuantization(const fb::Tensor& a, const fb::Tensor& b);
inline int Rank(const fb::Tensor& tensor) { return static_cast<int>(tensor.shape()->size()); }
inline int Dim(const fb::Tensor& tensor, int axis) { return tensor.shape()->Get(axis); }
inline bool IsConstant(const fb::Tensor& tensor) { return tensor.buffer() != 0; }

// One operator under check. Tensors have been checked on their own before; input indices are in range.
class OpCheck {
 public:
  OpCheck(const fb::Model& model, const fb::Operator& op) : model_(model), op_(op) {}

  const fb::Operator& op() const { return op_; }
  const fb::Model& model() const { return model_; }
  int input_count() const { return static_cast<int>(op_.inputs()->size()); }
  // Null where the input is absent (-1) or past the end of the list.
  const fb::Tensor* input(int i) const;
  const fb::Tensor& output() const;
  const fb::Tensor& tensor(int index) const { return *model_.tensors()->Get(index); }

  // invalid_model: "operator 'name' (Type): what".
  Status Error(const std::string& what) const;

  // Exactly one output and between `min` and `max` inputs, of which the first `min` are present.
  Status Arity(int min, int max) const;
  Status SameElements(const fb::Tensor& a, const fb::Tensor& b) const;
  // A whole number in [lo, hi], called `name` in the message.
  Status InRange(const char* name, int64_t value, int64_t lo, int64_t hi) const;
  Status CheckClamp(const fb::Clamp* clamp) const;
  // Activations of one type: float32, or int8.
  Status FloatOrInt8(const fb::Tensor& tensor, const char* what) const;
  Status SameType(const fb::Tensor& a, const fb::Tensor& b) const;
  Status CheckWork(int64_t work) const;

  // Multiply-accumulates or window reads that the checks added up.
  int64_t work() const { return work_; }

 private:
  const fb::Model& model_;
  const fb::Operator& op_;
  mutable int64_t work_ = 0;
};

// Shared by Conv2D and InvertedResidual. `bia` may be null.
Status CheckConv2D(const OpCheck& check, const fb::Conv2D& options, const fb::Tensor& src,
                   const fb::Tensor& wei, const fb::Tensor* bia, const fb::Tensor& dst);
Status CheckDepthwise(const OpCheck& check, const fb::DepthwiseConv2D& options, const fb::Tensor& src,
                      const fb::Tensor& wei, const fb::Tensor* bia, const fb::Tensor& dst);
// src, dst and b of an addition, multiplication, ...; b broadcasts to a.
Status CheckBinary(const OpCheck& check, fb::BinaryKind kind, const fb::Tensor& a, const fb::Tensor& b,
                   const fb::Tensor& dst);

// src and dst of a function of one value.
Status CheckUnary(const OpCheck& check, const fb::Unary& options, const fb::Tensor& src,
                  const fb::Tensor& dst);
Status CheckLookupTable(const OpCheck& check, const fb::Tensor& src, const fb::Tensor& table,
                        const fb::Tensor& dst);
// The tensors that an operator names beside its inputs and outputs, -1 where absent.
std::vector<int32_t> InnerTensors(const fb::Operator& op);

// dst extent of a window over `in` pixels; 0 if the window does not fit.
int64_t WindowExtent(int64_t in, int64_t input_dilation, int64_t kernel, int64_t dilation, int64_t stride,
                     int64_t pad_before, int64_t pad_after);

#define QRUN_OP(name) Status Verify##name(const OpCheck& check);
#include "schema/op_list.inc"
#undef QRUN_OP

}  // namespace qrun::schema

#endif  // QRUN_SCHEMA_OP_CHECK_H_
