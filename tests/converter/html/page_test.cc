#include "converter/html/page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "converter/html/chart.h"

namespace qrun::html {
namespace {

using nlohmann::json;

size_t Count(const std::string& text, const std::string& piece) {
  size_t count = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(EscapeHtml("a<b>\"c\" & 'd'"), "a&lt;b&gt;&quot;c&quot; &amp; &#39;d&#39;");
  EXPECT_EQ(EscapeHtml("\xc3\xa9 plain"), "\xc3\xa9 plain");
}

TEST(EscapeJson, KeepsEveryValueAndNoMarkup) {
  const json value = {{"</script><script>alert(1)</script>",
                       {"<!--", "]]>", "&amp;", "\xe2\x80\xa8 \xe2\x80\xa9", "\xe2\x80\xa7", "\xe2",
                        "quote \" backslash \\ \\u003c", 1.5e-300}}};
  const std::string text = value.dump(1, ' ', false, json::error_handler_t::ignore);
  const std::string escaped = EscapeJson(text);
  EXPECT_EQ(json::parse(escaped), json::parse(text));
  EXPECT_EQ(escaped.find_first_of("<>&"), std::string::npos);
  EXPECT_EQ(escaped.find("\xe2\x80\xa8"), std::string::npos);
  EXPECT_EQ(escaped.find("\xe2\x80\xa9"), std::string::npos);
  EXPECT_NE(escaped.find("\xe2\x80\xa7"), std::string::npos);
  EXPECT_EQ(EscapeJson("\xe2\x80"), "\xe2\x80");
}

class ReportPageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CheckAvailable().ok()) GTEST_SKIP() << "this build has no Chart.js (package libjs-chart.js)";
  }
};

TEST_F(ReportPageTest, HoldsTheJsonAndNothingFromElsewhere) {
  const std::string data = R"({"tool": "qbench", "name": "@CHART_JS@ @SCRIPT@ </script> @DATA@ $& \\1"})";
  const auto page = ReportPage("</title><script>x", data);
  ASSERT_TRUE(page.ok());
  const std::string begin = "<script type=\"application/json\" id=\"data\">", end = "</script>";
  const size_t from = page->find(begin) + begin.size();
  EXPECT_EQ(json::parse(page->substr(from, page->find(end, from) - from)), json::parse(data));
  EXPECT_NE(page->find("<title>&lt;/title&gt;&lt;script&gt;x</title>"), std::string::npos);
  // The page's own scripts and no other, and each ends where it should.
  EXPECT_EQ(Count(*page, "<script"), 3u);
  EXPECT_EQ(Count(*page, "</script"), 3u);
  EXPECT_EQ(Count(*page, "</style"), 1u);
  EXPECT_NE(page->find(ChartSource()), std::string::npos);
  EXPECT_NE(
      page->find("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"),
      std::string::npos);
  std::string own = *page;
  own.erase(own.find(ChartSource()), ChartSource().size());
  for (const char* reference : {"http:", "https:", "url(", "@import", " src=", "import("})
    EXPECT_EQ(own.find(reference), std::string::npos) << reference;
  EXPECT_EQ(Count(own, "href="), 2u);  // the empty icon, and the link past the navigation
}

TEST_F(ReportPageTest, KeepsTheLicenceOfChartJs) {
  EXPECT_NE(ChartSource().substr(0, 400).find("MIT License"), std::string_view::npos);
}

}  // namespace
}  // namespace qrun::html
