#include "converter/precision/timing.h"

#include <algorithm>
#include <chrono>

#include "converter/precision/hybrid_model.h"

namespace qrun::converter {
namespace {

constexpr int kWarmUps = 3;

double RunUs(Session& session) {
  const auto begin = std::chrono::steady_clock::now();
  session.Run();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

// Precondition: not empty.
double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Result<TimedPair> TimeModels(const Model& float_model, const Model& int8_model, int runs) {
  QRUN_ASSIGN_OR_RETURN(Session real, Session::Create(float_model));
  QRUN_ASSIGN_OR_RETURN(Session quantized, Session::Create(int8_model));
  std::vector<double> float_us, int8_us;
  for (int i = -kWarmUps; i < runs; ++i) {
    const double f = RunUs(real), q = RunUs(quantized);
    if (i < 0) continue;
    float_us.push_back(f);
    int8_us.push_back(q);
  }
  return TimedPair{Median(std::move(float_us)), Median(std::move(int8_us)), runs};
}

Result<std::vector<TimedPair>> TimeUnits(const Graph& float_graph, const Graph& int8_graph,
                                         std::span<const LayerUnit> units, int runs) {
  QRUN_ASSIGN_OR_RETURN(const HybridModel hybrid, HybridModel::Create(float_graph, int8_graph));
  std::vector<TimedPair> times;
  for (const LayerUnit& unit : units) {
    TimedPair sum = {0, 0, runs};
    for (size_t node : unit.nodes) {
      QRUN_ASSIGN_OR_RETURN(const TimedPair own, TimeModels(hybrid.FormOf(node, false).model,
                                                            hybrid.FormOf(node, true).model, runs));
      sum.float_us += own.float_us;
      sum.int8_us += own.int8_us;
    }
    times.push_back(sum);
  }
  return times;
}

}  // namespace qrun::converter
