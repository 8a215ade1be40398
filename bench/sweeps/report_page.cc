// report_page DATA.json PAGE.html TITLE: the JSON of a sweep as a page with charts.
#include <cstdio>

#include "converter/html/page.h"
#include "runtime/file.h"

namespace {

constexpr uint64_t kMaxBytes = 64 << 20;

qrun::Status Write(const std::string& from, const std::string& to, const std::string& title) {
  QRUN_ASSIGN_OR_RETURN(const auto data, qrun::ReadFile(from, kMaxBytes));
  QRUN_ASSIGN_OR_RETURN(
      const std::string page,
      qrun::html::ReportPage(title, {reinterpret_cast<const char*>(data.data()), data.size()}));
  return qrun::WriteFile(to, {std::as_bytes(std::span(page))});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: report_page DATA.json PAGE.html TITLE\n"), 2;
  const qrun::Status status = Write(argv[1], argv[2], argv[3]);
  if (!status.ok()) return std::fprintf(stderr, "report_page: error: %s\n", status.message().c_str()), 1;
  return 0;
}
