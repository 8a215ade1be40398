#include "bench/lib/profile.h"

#include <algorithm>
#include <map>
#include <optional>

#include "bench/lib/clock.h"
#include "bench/lib/scheduling.h"
#include "runtime/cli/model_report.h"

namespace qrun::bench {
namespace {

using nlohmann::json;

constexpr int kWarmUpRuns = 3;
constexpr size_t kMinRuns = 3, kMaxRuns = 20;
constexpr double kBatchSeconds = 0.05;

// Times of one step and of its parts, run by run.
struct StepSamples {
  std::vector<double> step;
  std::vector<std::vector<double>> parts;
};

Status ProfileBatch(const Contender& contender, std::vector<StepSamples>& samples, Profile& profile) {
  SessionOptions options = contender.options;
  options.profile = true;
  QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(*contender.model, options));
  QRUN_RETURN_IF_ERROR(FillInputs(session));
  for (int i = 0; i < kWarmUpRuns; ++i) session.Run();
  samples.resize(session.steps().size());
  Stopwatch total;
  bool counted = false;
  for (size_t run = 0; run < kMinRuns || (run < kMaxRuns && total.Seconds() < kBatchSeconds); ++run) {
    const int64_t switches = InvoluntarySwitches();
    session.Run();
    // As in TimeInterleaved: a disturbed run counts only if the batch has no other.
    if (InvoluntarySwitches() != switches && (counted || run + 1 < kMinRuns)) continue;
    counted = true;
    for (size_t s = 0; s < samples.size(); ++s) {
      samples[s].step.push_back(static_cast<double>(session.StepTimes()[s]) / 1e6);
      const std::span<const int64_t> parts = session.PartTimes(s);
      samples[s].parts.resize(parts.size());
      for (size_t p = 0; p < parts.size(); ++p) {
        samples[s].parts[p].push_back(static_cast<double>(parts[p]) / 1e6);
      }
    }
  }
  if (profile.steps.empty()) {
    profile.steps = session.steps();
    profile.plan = cli::DescribePlan(session);
  }
  return Status::Ok();
}

// The times of one operator, or of one of its parts, on one side.
struct Group {
  std::string kind;
  std::optional<double> ms;
  std::vector<std::string> part_order;
  std::map<std::string, double> parts;

  void AddPart(const std::string& name, double part_ms) {
    if (parts.count(name) == 0) part_order.push_back(name);
    parts[name] += part_ms;
  }
};

struct Side {
  std::vector<std::string> order;
  std::map<std::string, Group> groups;
};

Side GroupByOperator(const json& layers) {
  Side side;
  for (const json& layer : layers) {
    const std::string name = layer["operator"], part = layer["part"];
    const auto [at, is_new] = side.groups.try_emplace(name);
    if (is_new) side.order.push_back(name);
    Group& group = at->second;
    group.kind = layer["kind"];
    group.ms = group.ms.value_or(0) + layer["ms"].get<double>();
    if (!part.empty()) group.AddPart(part, layer["ms"]);
    for (const json& fused : layer["parts"]) group.AddPart(fused["name"], fused["ms"]);
  }
  return side;
}

// A block's first stage may be an operator of its own on one side and part of the block on the other (a
// stem): what stands right before the block, and only here, is counted as the part that only the other side
// has.
void JoinFirstStages(Side& side, const Side& other) {
  for (size_t i = 1; i < side.order.size(); ++i) {
    const std::string before = side.order[i - 1];
    const auto there = other.groups.find(side.order[i]);
    Group& block = side.groups[side.order[i]];
    if (there == other.groups.end() || there->second.parts.count("expand") == 0 || block.parts.empty() ||
        block.parts.count("expand") != 0 || other.groups.count(before) != 0) {
      continue;
    }
    const double ms = side.groups[before].ms.value_or(0);
    block.ms = block.ms.value_or(0) + ms;
    block.parts["expand"] = ms;
    block.part_order.insert(block.part_order.begin(), "expand");
    side.groups.erase(before);
    side.order.erase(side.order.begin() + static_cast<ptrdiff_t>(i) - 1);
    --i;
  }
}

// The order of `a`, with what only `b` has behind its predecessor in `b`.
std::vector<std::string> Merge(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> merged = a;
  auto place = merged.begin();
  for (const std::string& name : b) {
    const auto found = std::find(merged.begin(), merged.end(), name);
    place = found != merged.end() ? found + 1 : merged.insert(place, name) + 1;
  }
  return merged;
}

json PairJson(const std::string& name, std::optional<double> a, std::optional<double> b) {
  const bool both = a.has_value() && b.has_value() && *b > 0;
  return {{"name", name},
          {"a_ms", a ? json(*a) : json(nullptr)},
          {"b_ms", b ? json(*b) : json(nullptr)},
          {"speedup", both ? json(*a / *b) : json(nullptr)}};
}

std::optional<double> PartOf(const Group& group, const std::string& part) {
  const auto at = group.parts.find(part);
  return at == group.parts.end() ? std::nullopt : std::optional(at->second);
}

// `ms` divided like the medians of the samples.
std::vector<double> DivideLikeMedians(double ms, const std::vector<std::vector<double>>& samples) {
  std::vector<double> medians;
  double sum = 0;
  for (const auto& part : samples) {
    medians.push_back(Median(part));
    sum += medians.back();
  }
  for (double& part : medians) part *= sum > 0 ? ms / sum : 0;
  return medians;
}

// What a time and a number of multiply-accumulates say of a step or a part.
json CostJson(int64_t macs, double ms, double total_ms) {
  return {{"macs", macs},
          {"ms", ms},
          {"percent", total_ms > 0 ? 100 * ms / total_ms : 0},
          {"gmacs_per_second", ms > 0 ? static_cast<double>(macs) / ms / 1e6 : 0}};
}

}  // namespace

Result<std::vector<Profile>> ProfileInterleaved(std::span<const Contender> contenders, int rounds) {
  std::vector<Profile> profiles(contenders.size());
  std::vector<std::vector<StepSamples>> samples(contenders.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      QRUN_RETURN_IF_ERROR(ProfileBatch(contenders[i], samples[i], profiles[i]));
    }
  }
  for (size_t i = 0; i < contenders.size(); ++i) {
    for (const StepSamples& step : samples[i]) {
      profiles[i].step_ms.push_back(Median(step.step));
      profiles[i].part_ms.push_back(DivideLikeMedians(profiles[i].step_ms.back(), step.parts));
    }
  }
  return profiles;
}

json LayersJson(const Profile& profile, const Model& model) {
  const json operators = cli::DescribeModel(model)["operators"];
  double total = 0;
  for (double ms : profile.step_ms) total += ms;
  json layers = json::array();
  for (size_t i = 0; i < profile.steps.size(); ++i) {
    const StepInfo& step = profile.steps[i];
    const json& described = operators.at(static_cast<size_t>(step.op_index));
    const std::string op = described["name"];
    const std::string part = step.name.starts_with(op + "/") ? step.name.substr(op.size() + 1) : "";
    const double ms = profile.step_ms[i];
    // A step's own count also has the additions of sums and pools in it.
    const int64_t macs = described["macs"] == 0 || part == "residual" ? 0 : step.macs;
    json layer = CostJson(macs, ms, total);
    layer.update({{"name", step.name},
                  {"operator", op},
                  {"part", part},
                  {"kind", step.kind},
                  {"candidate", step.candidate},
                  {"live_bytes", profile.plan["steps"][i]["live_bytes"]},
                  {"parts", json::array()}});
    for (size_t p = 0; p < step.parts.size(); ++p) {
      json fused = CostJson(step.parts[p].macs, profile.part_ms[i][p], total);
      fused["name"] = step.parts[p].name;
      layer["parts"].push_back(std::move(fused));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

json SideBySide(const json& a, const json& b) {
  Side left = GroupByOperator(a), right = GroupByOperator(b);
  JoinFirstStages(left, right);
  JoinFirstStages(right, left);
  static const Group kNone;
  const auto find = [](const Side& side, const std::string& name) -> const Group& {
    const auto at = side.groups.find(name);
    return at == side.groups.end() ? kNone : at->second;
  };
  json rows = json::array();
  for (const std::string& name : Merge(left.order, right.order)) {
    const Group &l = find(left, name), &r = find(right, name);
    json row = PairJson(name, l.ms, r.ms);
    row["kind"] = l.kind.empty() ? r.kind : l.kind;
    row["parts"] = json::array();
    for (const std::string& part : Merge(l.part_order, r.part_order)) {
      row["parts"].push_back(PairJson(part, PartOf(l, part), PartOf(r, part)));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

json TraceJson(std::span<const Profile> profiles, std::span<const std::string> names) {
  json events = json::array();
  for (size_t p = 0; p < profiles.size(); ++p) {
    events.push_back(
        {{"name", "process_name"}, {"ph", "M"}, {"pid", p + 1}, {"tid", 1}, {"args", {{"name", names[p]}}}});
    double microseconds = 0;
    for (size_t i = 0; i < profiles[p].steps.size(); ++i) {
      const StepInfo& step = profiles[p].steps[i];
      const double duration = profiles[p].step_ms[i] * 1e3;
      events.push_back({{"name", step.name},
                        {"cat", step.kind},
                        {"ph", "X"},
                        {"pid", p + 1},
                        {"tid", 1},
                        {"ts", microseconds},
                        {"dur", duration},
                        {"args", {{"candidate", step.candidate}, {"macs", step.macs}}}});
      double at = microseconds;
      for (size_t part = 0; part < step.parts.size(); ++part) {
        const double part_duration = profiles[p].part_ms[i][part] * 1e3;
        events.push_back({{"name", step.name + "/" + step.parts[part].name},
                          {"cat", "part"},
                          {"ph", "X"},
                          {"pid", p + 1},
                          {"tid", 1},
                          {"ts", at},
                          {"dur", part_duration},
                          {"args", {{"macs", step.parts[part].macs}}}});
        at += part_duration;
      }
      microseconds += duration;
    }
  }
  return {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
}

}  // namespace qrun::bench
