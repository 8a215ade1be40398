#include "converter/unary_function.h"

#include <algorithm>
#include <cmath>

namespace qrun::converter {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

float UnaryFunction(const fb::UnaryT& op, float value) {
  const double x = value, alpha = op.alpha, beta = op.beta;
  switch (op.kind) {
    case fb::UnaryKind::Clamp:
      return std::min(std::max(value, op.alpha), op.beta);
    case fb::UnaryKind::LeakyRelu:
      return static_cast<float>(x < 0 ? alpha * x : x);
    case fb::UnaryKind::HardSigmoid:
      return static_cast<float>(std::clamp(alpha * x + beta, 0.0, 1.0));
    case fb::UnaryKind::HardSwish:
      return static_cast<float>(x * std::clamp(x / 6 + 0.5, 0.0, 1.0));
    case fb::UnaryKind::Sigmoid:
      return static_cast<float>(Sigmoid(x));
    case fb::UnaryKind::Silu:
      return static_cast<float>(x * Sigmoid(x));
    case fb::UnaryKind::Tanh:
      return static_cast<float>(std::tanh(x));
    case fb::UnaryKind::Elu:
      return static_cast<float>(x < 0 ? alpha * std::expm1(x) : x);
    case fb::UnaryKind::Exp:
      return static_cast<float>(std::exp(x));
    case fb::UnaryKind::Sqrt:
      return std::sqrt(value);
    case fb::UnaryKind::Abs:
      return std::fabs(value);
    case fb::UnaryKind::Neg:
      return -value;
    case fb::UnaryKind::Gelu:
      return static_cast<float>(0.5 * x * (1 + std::erf(x / std::sqrt(2.0))));
    case fb::UnaryKind::Softplus:
      return static_cast<float>(x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)));
    case fb::UnaryKind::Log:
      return static_cast<float>(std::log(x));
    case fb::UnaryKind::Reciprocal:
      return 1 / value;
    case fb::UnaryKind::Floor:
      return std::floor(value);
    case fb::UnaryKind::Selu:
      return static_cast<float>(beta * (x < 0 ? alpha * std::expm1(x) : x));
  }
  return value;
}

}  // namespace qrun::converter
