#include "converter/html/page.h"

#include <page_files.h>

#include <initializer_list>
#include <utility>

#include "converter/html/chart.h"

namespace qrun::html {
namespace {

// Replaces every key in `text` by its value. What has been inserted is not looked at again.
std::string Fill(std::string_view text,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string filled;
  while (true) {
    size_t first = std::string_view::npos;
    const std::pair<std::string_view, std::string_view>* found = nullptr;
    for (const auto& value : values) {
      if (const size_t at = text.find(value.first); at < first) {
        first = at;
        found = &value;
      }
    }
    filled += text.substr(0, first);
    if (found == nullptr) return filled;
    filled += found->second;
    text.remove_prefix(first + found->first.size());
  }
}

}  // namespace

Status CheckAvailable() {
  if (!ChartSource().empty()) return Status::Ok();
  return Status::Unsupported(
      "this build has no Chart.js, which HTML reports need: install the package libjs-chart.js "
      "(cmake/setup.sh "
      "does), configure and build again");
}

Result<std::string> ReportPage(std::string_view title, std::string_view json) {
  QRUN_RETURN_IF_ERROR(CheckAvailable());
  const std::string data = EscapeJson(json), heading = EscapeHtml(title);
  std::string script;
  for (std::string_view part :
       {kBaseJs, kChartsJs, kQbenchJs, kGrowthJs, kAccuracyJs, kPrecisionJs, kQconvertJs})
    script += part;
  return Fill(kPageHtml, {{"@TITLE@", heading},
                          {"@STYLE@", kStyleCss},
                          {"@DATA@", data},
                          {"@CHART_JS@", ChartSource()},
                          {"@SCRIPT@", script}});
}

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string EscapeJson(std::string_view json) {
  // All of them can only stand inside strings.
  std::string escaped;
  escaped.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '<') {
      escaped += "\\u003c";
    } else if (json[i] == '>') {
      escaped += "\\u003e";
    } else if (json[i] == '&') {
      escaped += "\\u0026";
    } else if (json.substr(i, 2) == "\xe2\x80" &&
               (json.substr(i + 2, 1) == "\xa8" || json.substr(i + 2, 1) == "\xa9")) {
      escaped += json[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      escaped += json[i];
    }
  }
  return escaped;
}

}  // namespace qrun::html
