#include <cmath>

#include "converter/qdq/operators.h"

namespace qrun::converter {

void EmitUnary(const fb::UnaryT& op, const std::string& name, const std::string& src, const std::string& dst,
               OnnxWriter& writer) {
  const auto plain = [&](const char* type, const std::vector<OnnxAttribute>& attributes = {}) {
    writer.Node(type, name, {src}, dst, attributes);
  };
  const auto constant = [&](const char* suffix, float x) {
    return writer.Floats(name + suffix, {}, std::span(&x, 1));
  };
  switch (op.kind) {
    case fb::UnaryKind::Clamp: {
      const auto bound = [&](const char* suffix, float x) {
        return std::isinf(x) ? std::string() : constant(suffix, x);
      };
      const std::string lo = bound("/min", op.alpha), hi = bound("/max", op.beta);
      writer.Node("Clip", name, {src, lo, hi}, dst);
      return;
    }
    case fb::UnaryKind::LeakyRelu:
      return plain("LeakyRelu", {{"alpha", op.alpha}});
    case fb::UnaryKind::HardSigmoid:
      return plain("HardSigmoid", {{"alpha", op.alpha}, {"beta", op.beta}});
    case fb::UnaryKind::HardSwish:
      return plain("HardSwish");
    case fb::UnaryKind::Sigmoid:
      return plain("Sigmoid");
    case fb::UnaryKind::Silu: {
      const std::string gate =
          writer.Node("Sigmoid", name + "/sigmoid", {src}, writer.Name(dst + "/sigmoid"));
      writer.Node("Mul", name, {src, gate}, dst);
      return;
    }
    case fb::UnaryKind::Tanh:
      return plain("Tanh");
    case fb::UnaryKind::Elu:
      return plain("Elu", {{"alpha", op.alpha}});
    case fb::UnaryKind::Exp:
      return plain("Exp");
    case fb::UnaryKind::Sqrt:
      return plain("Sqrt");
    case fb::UnaryKind::Abs:
      return plain("Abs");
    case fb::UnaryKind::Neg:
      return plain("Neg");
    case fb::UnaryKind::Gelu: {
      const auto step = [&](const char* type, const char* suffix, const std::string& a,
                            const std::string& b) {
        return writer.Node(type, name + suffix, {a, b}, writer.Name(dst + suffix));
      };
      const std::string scaled = step("Div", "/div", src, constant("/sqrt2", std::sqrt(2.0f)));
      const std::string erf = writer.Node("Erf", name + "/erf", {scaled}, writer.Name(dst + "/erf"));
      const std::string shifted = step("Add", "/add", erf, constant("/one", 1));
      const std::string product = step("Mul", "/mul", src, shifted);
      writer.Node("Mul", name, {product, constant("/half", 0.5f)}, dst);
      return;
    }
    case fb::UnaryKind::Softplus:
      return plain("Softplus");
    case fb::UnaryKind::Log:
      return plain("Log");
    case fb::UnaryKind::Reciprocal:
      return plain("Reciprocal");
    case fb::UnaryKind::Floor:
      return plain("Floor");
    case fb::UnaryKind::Selu:
      return plain("Selu", {{"alpha", op.alpha}, {"gamma", op.beta}});
  }
}

}  // namespace qrun::converter
