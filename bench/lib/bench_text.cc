// The text and CSV forms of a report.
#include <fmt/format.h>

#include <algorithm>

#include "bench/lib/bench_report.h"
#include "bench/lib/output_file.h"
#include "runtime/cli/terminal.h"

namespace qrun::bench {
namespace {

using nlohmann::json;

std::string Text(const json& value) { return value.get<std::string>(); }

// Cut from the left: the end of a path or of a layer's name tells more.
std::string Shorten(const std::string& text, size_t width) {
  return text.size() <= width ? text : "..." + text.substr(text.size() - width + 3);
}

size_t ColumnWidth(const json& rows, const char* key, size_t most) {
  size_t width = 8;
  for (const json& row : rows) width = std::max(width, Text(row[key]).size());
  return std::min(width, most);
}

std::string Ms(const json& value) {
  return value.is_null() ? "-" : fmt::format("{:.4f}", value.get<double>());
}

std::string Times(const json& value) {
  return value.is_null() ? "-" : fmt::format("{:.2f}x", value.get<double>());
}

std::string Change(int64_t bytes) {
  return (bytes < 0 ? "-" : "+") + cli::BytesText(static_cast<uint64_t>(std::abs(bytes)));
}

std::string ResultsTable(const json& results) {
  const size_t width = ColumnWidth(results, "model", 44);
  std::string text = fmt::format(
      "{:{}}  {:7}  {:10}  {:>3}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}  {:>10}  {:>10}  {:>10}\n", "model",
      width, "dtype", "isa", "thr", "median ms", "min", "p90", "p99", "cold", "peak RSS", "arena", "file");
  for (const json& r : results) {
    text += fmt::format(
        "{:{}}  {:7}  {:10}  {:>3}  {:>9}  {:>9}  {:>9}  {:>9}  {:>9}  {:>10}  {:>10}  {:>10}\n",
        Shorten(Text(r["model"]), width), width, Text(r["dtype"]), Text(r["isa"]), r["threads"].get<int>(),
        Ms(r["median_ms"]), Ms(r["min_ms"]), Ms(r["p90_ms"]), Ms(r["p99_ms"]), Ms(r["cold_ms"]),
        cli::BytesText(r["peak_rss_bytes"].get<uint64_t>()), cli::BytesText(r["arena_bytes"].get<uint64_t>()),
        cli::BytesText(r["file_bytes"].get<uint64_t>()));
  }
  for (const json& r : results) {
    if (r["cold_cached"].is_null()) continue;
    const json& cached = r["cold_cached"];
    text += fmt::format(
        "{}, {}, {} thread(s): cold start with packed weights on file {}: open {}, plan {}, first run {}; "
        "without {}: {}, {}, {}\n",
        Text(r["model"]), Text(r["isa"]), r["threads"].get<int>(), Ms(cached["ms"]), Ms(cached["open_ms"]),
        Ms(cached["plan_ms"]), Ms(cached["first_run_ms"]), Ms(r["cold_ms"]), Ms(r["cold_open_ms"]),
        Ms(r["cold_plan_ms"]), Ms(r["cold_first_run_ms"]));
  }
  return text;
}

std::string VerdictText(const json& c) {
  const std::string verdict = Text(c["verdict"]);
  if (verdict == "too_noisy") return "the machine was too noisy to tell; try a quieter time or more --rounds";
  if (verdict == "same") return "no difference";
  return "the second model is " + verdict;
}

std::string ComparisonText(const json& c) {
  std::string text =
      fmt::format("\n{} thread(s), {}: speedup {:.3f}x, 95 % interval {:.3f} to {:.3f}: {}\n",
                  c["threads"].get<int>(), Text(c["isa"]), c["speedup"].get<double>(),
                  c["speedup_ci95"][0].get<double>(), c["speedup_ci95"][1].get<double>(), VerdictText(c));
  text += fmt::format("  cold start {}, peak RSS {}, arena {}, file {}\n", Times(c["cold_speedup"]),
                      Change(c["peak_rss_change_bytes"].get<int64_t>()),
                      Change(c["arena_change_bytes"].get<int64_t>()),
                      Change(c["file_change_bytes"].get<int64_t>()));
  if (!c["retention"].is_null()) {
    text += fmt::format("  accuracy retention {:.2f} %, Overall {:.3f} (retention / 100 + speedup / 5)\n",
                        c["retention"].get<double>(), c["overall"].get<double>());
  }
  if (!c["agreement"].is_null()) text += fmt::format("  agreement {:.2f} %\n", c["agreement"].get<double>());
  return text;
}

std::string AccuracyTable(const json& results) {
  std::string text;
  for (const json& r : results) {
    const json& a = r["accuracy"];
    if (a.is_null()) continue;
    text += fmt::format("  {}: ", Text(r["model"]));
    if (!a["auc"].is_null()) text += fmt::format("AUC {:.4f}", a["auc"].get<double>());
    if (!a["top1"].is_null()) {
      text += fmt::format("top-1 {:.2f} %, top-5 {:.2f} %, loss {:.4f}", a["top1"].get<double>(),
                          a["top5"].get<double>(), a["loss"].get<double>());
    }
    text += fmt::format(" ({} evaluated, {} failed)\n", a["images"].get<int>(), a["failed"].get<int>());
  }
  return text.empty() ? "" : "\naccuracy\n" + text;
}

std::string OperatorTable(const json& operators) {
  const size_t width = ColumnWidth(operators, "name", 48);
  std::string text = fmt::format("\n{:{}}  {:18}  {:>10}  {:>10}  {:>8}\n", "operator", width, "type",
                                 "first ms", "second ms", "speedup");
  for (const json& row : operators) {
    text += fmt::format("{:{}}  {:18}  {:>10}  {:>10}  {:>8}\n", Shorten(Text(row["name"]), width), width,
                        Text(row["kind"]), Ms(row["a_ms"]), Ms(row["b_ms"]), Times(row["speedup"]));
    for (const json& part : row["parts"]) {
      text += fmt::format("  {:{}}  {:18}  {:>10}  {:>10}  {:>8}\n", Shorten(Text(part["name"]), width - 2),
                          width - 2, "", Ms(part["a_ms"]), Ms(part["b_ms"]), Times(part["speedup"]));
    }
  }
  return text;
}

std::string LayerTable(const json& layers) {
  const size_t width = ColumnWidth(layers, "name", 48);
  std::string text =
      fmt::format("\n{:{}}  {:28}  {:>10}  {:>6}  {:>9}\n", "step", width, "kernel", "ms", "%", "GMAC/s");
  for (const json& row : layers) {
    text += fmt::format("{:{}}  {:28}  {:>10}  {:>6.1f}  {:>9.1f}\n", Shorten(Text(row["name"]), width),
                        width, Text(row["candidate"]), Ms(row["ms"]), row["percent"].get<double>(),
                        row["gmacs_per_second"].get<double>());
    for (const json& part : row["parts"]) {
      text +=
          fmt::format("  {:{}}  {:28}  {:>10}  {:>6.1f}  {:>9.1f}\n", Text(part["name"]), width - 2, "",
                      Ms(part["ms"]), part["percent"].get<double>(), part["gmacs_per_second"].get<double>());
    }
  }
  return text;
}

// What `kernels` says in a column: runs of the same one are counted.
std::string KernelsText(const json& kernels) {
  std::string text;
  for (size_t i = 0; i < kernels.size();) {
    size_t same = 1;
    while (i + same < kernels.size() && kernels[i + same] == kernels[i]) ++same;
    text += fmt::format("{}{}{}", text.empty() ? "" : " + ", same > 1 ? fmt::format("{} x ", same) : "",
                        Text(kernels[i]));
    i += same;
  }
  return text;
}

// Every operator with its candidates, the chosen one marked; the others as times of that one.
std::string CandidateTable(const json& result) {
  const json& operators = result["candidates"];
  const size_t width = ColumnWidth(operators, "name", 48);
  std::string text = fmt::format(
      "\n{}, {}, {} thread(s): * is what the plan takes\n{:{}}  {:>10}  {:>9}  {}\n", Text(result["model"]),
      Text(result["isa"]), result["threads"].get<int>(), "operator", width, "ms", "to *", "candidate");
  for (const json& row : operators) {
    const json& chosen = row["candidates"][0];
    for (const json& candidate : row["candidates"]) {
      const bool first = candidate["chosen"].get<bool>();
      const double ratio = candidate["ms"].get<double>() / chosen["ms"].get<double>();
      text += fmt::format("{:{}}  {:>10}  {:>9}  {}\n", first ? Shorten(Text(row["name"]), width) : "", width,
                          Ms(candidate["ms"]), first ? "*" : fmt::format("{:.2f}", ratio),
                          KernelsText(candidate["kernels"]));
    }
  }
  return text;
}

// The comparison in which `result` is the candidate, or null.
json ComparisonOf(const json& report, const json& result) {
  if (result["role"] != "candidate") return nullptr;
  for (const json& c : report["comparisons"]) {
    if (c["threads"] == result["threads"] && c["isa"] == result["isa"]) return c;
  }
  return nullptr;
}

std::string CsvValue(const json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? CsvField(Text(value)) : value.dump();
}

}  // namespace

std::string ReportText(const json& report) {
  const json& results = report["results"];
  std::string text = ResultsTable(results);
  for (const json& r : results) {
    if (!r["warmup_settled"].get<bool>()) {
      text += fmt::format("note: {} was still getting faster after {} runs\n", Text(r["model"]),
                          r["warmup_runs"].get<int>());
    }
    if (const double percent = r["samples_disturbed_percent"].get<double>(); percent >= 5) {
      text +=
          fmt::format("note: {:.0f} % of the samples of {} were disturbed by other processes and left out\n",
                      percent, Text(r["model"]));
    }
  }
  text += AccuracyTable(results);
  for (const json& c : report["comparisons"]) text += ComparisonText(c);
  text += report["comparison"].is_null() ? LayerTable(results[0]["layers"])
                                         : OperatorTable(report["comparison"]["operators"]);
  for (const json& r : results) {
    if (!r["candidates"].is_null()) text += CandidateTable(r);
  }
  return text;
}

std::string ReportCsv(const json& report) {
  static constexpr const char* kResultKeys[] = {
      "model",  "dtype",   "threads",     "isa",        "median_ms",      "min_ms", "p90_ms",
      "p99_ms", "cold_ms", "arena_bytes", "file_bytes", "peak_rss_bytes", "params", "macs"};
  static constexpr const char* kAccuracyKeys[] = {"top1", "top5", "loss"};
  static constexpr const char* kComparisonKeys[] = {"speedup", "verdict", "retention", "overall"};
  std::string text;
  for (const char* key : kResultKeys) text += std::string(key) + ",";
  for (const char* key : kAccuracyKeys) text += std::string(key) + ",";
  text += "speedup_low,speedup_high";
  for (const char* key : kComparisonKeys) text += std::string(",") + key;
  text += "\n";
  for (const json& r : report["results"]) {
    for (const char* key : kResultKeys) text += CsvValue(r[key]) + ",";
    for (const char* key : kAccuracyKeys) {
      text += (r["accuracy"].is_null() ? "" : CsvValue(r["accuracy"][key])) + ",";
    }
    const json c = ComparisonOf(report, r);
    text += c.is_null() ? "," : c["speedup_ci95"][0].dump() + "," + c["speedup_ci95"][1].dump();
    for (const char* key : kComparisonKeys) text += "," + (c.is_null() ? "" : CsvValue(c[key]));
    text += "\n";
  }
  return text;
}

}  // namespace qrun::bench
