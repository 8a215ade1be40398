#include "converter/unary_function.h"

#include <algorithm>
#include <cmath>

namespace qrun::converter {
namespace {

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

double UnaryFunction(const fb::UnaryT& op, double x) {
  const double alpha = op.alpha, beta = op.beta;
  switch (op.kind) {
    case fb::UnaryKind::Clamp:
      return std::min(std::max(x, alpha), beta);
    case fb::UnaryKind::LeakyRelu:
      return x < 0 ? alpha * x : x;
    case fb::UnaryKind::HardSigmoid:
      return std::clamp(alpha * x + beta, 0.0, 1.0);
    case fb::UnaryKind::HardSwish:
      return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case fb::UnaryKind::Sigmoid:
      return Sigmoid(x);
    case fb::UnaryKind::Silu:
      return x * Sigmoid(x);
    case fb::UnaryKind::Tanh:
      return std::tanh(x);
    case fb::UnaryKind::Elu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case fb::UnaryKind::Exp:
      return std::exp(x);
    case fb::UnaryKind::Sqrt:
      return std::sqrt(x);
    case fb::UnaryKind::Abs:
      return std::fabs(x);
    case fb::UnaryKind::Neg:
      return -x;
    case fb::UnaryKind::Gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case fb::UnaryKind::Softplus:
      return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    case fb::UnaryKind::Log:
      return std::log(x);
    case fb::UnaryKind::Reciprocal:
      return 1 / x;
    case fb::UnaryKind::Floor:
      return std::floor(x);
    case fb::UnaryKind::Selu:
      return beta * (x < 0 ? alpha * std::expm1(x) : x);
  }
  return x;
}

}  // namespace qrun::converter
