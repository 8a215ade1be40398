#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "converter/passes/pass_functions.h"
#include "converter/passes/rewriter.h"

namespace qrun::converter {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool Near(double a, double b) { return std::fabs(a - b) <= 1e-4 * std::max(1e-3, std::fabs(b)); }

// factor * x + shift, of a value x of the graph.
struct Linear {
  ValueId x;
  double factor = 1, shift = 0;
};

class Recognizer {
 public:
  explicit Recognizer(Rewriter& rewriter) : rewriter_(rewriter) {}

  // The Unary that node i computes in other words, and its input.
  struct Match {
    fb::UnaryT op;
    ValueId x;
  };
  std::optional<Match> Recognize(int i) {
    if (std::optional<Match> match = Bound(i)) return match;
    if (std::optional<Match> match = Leaky(i)) return match;
    if (std::optional<Match> match = Gated(i)) return match;
    return HardSigmoid(i);
  }

 private:
  static Match Make(fb::UnaryKind kind, ValueId x, double alpha = 0, double beta = 0) {
    Match match{{}, x};
    match.op.kind = kind;
    match.op.alpha = static_cast<float>(alpha);
    match.op.beta = static_cast<float>(beta);
    return match;
  }

  // Node i as a Binary of this kind without a clamp.
  const fb::BinaryT* Binary(int i, fb::BinaryKind kind) {
    const auto* op = rewriter_.As<fb::BinaryT>(i);
    return op && op->kind == kind && !op->clamp ? op : nullptr;
  }
  std::optional<double> ScalarOperand(int i) {
    const Value& b = rewriter_.value(rewriter_.node(i).inputs[1]);
    if (!IsScalar(b)) return std::nullopt;
    return Floats(b)[0];
  }
  ValueId Input(int i, size_t k) { return rewriter_.node(i).inputs[k]; }

  // One step from a value to the input of the Mul or Add by a number that makes it.
  bool StepDown(Linear& linear) {
    const int i = rewriter_.Producer(linear.x);
    const bool mul = Binary(i, fb::BinaryKind::Mul), add = Binary(i, fb::BinaryKind::Add);
    if (!mul && !add) return false;
    const std::optional<double> operand = ScalarOperand(i);
    if (!operand) return false;
    if (add) linear.shift += linear.factor * *operand;
    if (mul) linear.factor *= *operand;
    linear.x = Input(i, 0);
    return true;
  }

  // Whether v = factor * x + shift; fills `linear`.
  bool IsLinearIn(ValueId v, ValueId x, Linear& linear) {
    linear = {v};
    while (linear.x != x) {
      if (!StepDown(linear)) return false;
    }
    return true;
  }

  // max(x, c) and min(x, c).
  std::optional<Match> Bound(int i) {
    const bool max = Binary(i, fb::BinaryKind::Max), min = Binary(i, fb::BinaryKind::Min);
    if (!max && !min) return std::nullopt;
    const std::optional<double> bound = ScalarOperand(i);
    if (!bound || std::isnan(*bound)) return std::nullopt;
    return Make(fb::UnaryKind::Clamp, Input(i, 0), max ? *bound : -kInfinity, max ? kInfinity : *bound);
  }

  // max(x, a * x) with 0 <= a <= 1.
  std::optional<Match> Leaky(int i) {
    if (!Binary(i, fb::BinaryKind::Max)) return std::nullopt;
    for (const auto& [x, scaled] :
         {std::pair(Input(i, 0), Input(i, 1)), std::pair(Input(i, 1), Input(i, 0))}) {
      Linear linear{};
      if (x == scaled || !IsLinearIn(scaled, x, linear)) continue;
      if (linear.shift == 0 && linear.factor >= 0 && linear.factor <= 1) {
        return Make(fb::UnaryKind::LeakyRelu, x, linear.factor);
      }
    }
    return std::nullopt;
  }

  // v = clamp(alpha * u + beta, 0, 1) * factor, where u has been followed down to `argument`'s value.
  struct Gate {
    ValueId argument;                          // what the clamp reads
    double factor;                             // after it
    double lo, hi;                             // of the clamp, after the factor
    double inner_factor = 1, inner_shift = 0;  // of a HardSigmoid node, before the clamp
  };
  std::optional<Gate> ClampGate(ValueId v) {
    Linear outer{v};
    while (true) {
      const int i = rewriter_.Producer(outer.x);
      const auto* unary = rewriter_.As<fb::UnaryT>(i);
      if (unary && unary->kind == fb::UnaryKind::Clamp) {
        return Gate{Input(i, 0),
                    outer.factor,
                    unary->alpha * outer.factor + outer.shift,
                    unary->beta * outer.factor + outer.shift,
                    1,
                    outer.shift / outer.factor};
      }
      if (unary && unary->kind == fb::UnaryKind::HardSigmoid) {
        return Gate{Input(i, 0),  outer.factor,
                    outer.shift,  outer.factor + outer.shift,
                    unary->alpha, unary->beta + outer.shift / outer.factor};
      }
      if (!StepDown(outer)) return std::nullopt;
    }
  }

  // factor * x * gate(x): hard-swish, SiLU, GELU.
  std::optional<Match> Gated(int i) {
    double factor = 1;
    int product = i;
    // A number multiplied last, as in x * clip(x + 3, 0, 6) / 6.
    while (Binary(product, fb::BinaryKind::Mul) && ScalarOperand(product)) {
      factor *= *ScalarOperand(product);
      product = rewriter_.Producer(Input(product, 0));
    }
    if (!Binary(product, fb::BinaryKind::Mul) || rewriter_.value(Input(product, 1)).is_constant())
      return std::nullopt;
    for (size_t side : {0, 1}) {
      Linear base{Input(product, side)};
      const ValueId gate = Input(product, 1 - side);
      do {
        if (base.shift != 0) break;
        if (std::optional<Match> match = GatedBy(base.x, gate, factor * base.factor)) return match;
      } while (StepDown(base));
    }
    return std::nullopt;
  }

  // Whether factor * x * gate is one of the functions, gate being a function of x.
  std::optional<Match> GatedBy(ValueId x, ValueId gate, double factor) {
    const int producer = rewriter_.Producer(gate);
    const auto* unary = rewriter_.As<fb::UnaryT>(producer);
    if (unary && unary->kind == fb::UnaryKind::Sigmoid && Input(producer, 0) == x && Near(factor, 1)) {
      return Make(fb::UnaryKind::Silu, x);
    }
    if (IsErfGate(x, gate, factor)) return Make(fb::UnaryKind::Gelu, x);
    const std::optional<Gate> clamp = ClampGate(gate);
    Linear inner{};
    if (!clamp || !IsLinearIn(clamp->argument, x, inner)) return std::nullopt;
    const double slope = factor * clamp->factor * clamp->inner_factor;
    const double offset = factor * clamp->factor * clamp->inner_shift;
    const bool hard_swish = Near(factor * clamp->hi, 1) && std::fabs(factor * clamp->lo) < 1e-4 &&
                            Near(slope * inner.factor, 1.0 / 6) && Near(slope * inner.shift + offset, 0.5);
    if (!hard_swish) return std::nullopt;
    return Make(fb::UnaryKind::HardSwish, x);
  }

  // factor * gate = 0.5 * (1 + erf(x / sqrt 2)).
  bool IsErfGate(ValueId x, ValueId gate, double factor) {
    Linear outer{gate};
    while (!rewriter_.As<Erf>(rewriter_.Producer(outer.x))) {
      if (!StepDown(outer)) return false;
    }
    Linear inner{};
    return IsLinearIn(Input(rewriter_.Producer(outer.x), 0), x, inner) && inner.shift == 0 &&
           Near(inner.factor, 1 / std::numbers::sqrt2) && Near(factor * outer.factor, 0.5) &&
           Near(factor * outer.shift, 0.5);
  }

  // clamp(alpha * x + beta, 0, 1) with a shift: without one a plain clamp says it better.
  std::optional<Match> HardSigmoid(int i) {
    const auto* unary = rewriter_.As<fb::UnaryT>(i);
    if (unary && unary->kind == fb::UnaryKind::HardSigmoid) return std::nullopt;
    const std::optional<Gate> gate = ClampGate(rewriter_.node(i).outputs[0]);
    if (!gate || !Near(gate->hi, 1) || std::fabs(gate->lo) > 1e-4) return std::nullopt;
    Linear inner{gate->argument};
    while (StepDown(inner)) {
    }
    if (inner.shift == 0) return std::nullopt;
    const double slope = gate->factor * gate->inner_factor;
    return Make(fb::UnaryKind::HardSigmoid, inner.x, slope * inner.factor,
                slope * inner.shift + gate->factor * gate->inner_shift);
  }

  Rewriter& rewriter_;
};

}  // namespace

Result<int> RecognizeActivations(Graph& graph) {
  Rewriter rewriter(graph);
  Recognizer recognizer(rewriter);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    std::optional<Recognizer::Match> match = recognizer.Recognize(i);
    if (!match) continue;
    rewriter.SetInputs(i, {match->x});
    rewriter.node(i).options = std::move(match->op);
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
