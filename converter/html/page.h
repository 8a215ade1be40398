// A tool's JSON as one HTML file that people look at.
#ifndef QRUN_CONVERTER_HTML_PAGE_H_
#define QRUN_CONVERTER_HTML_PAGE_H_

#include <string>
#include <string_view>

#include "schema/status.h"

namespace qrun::html {

// Whether this build can make pages. To be asked before long work. Errors: unsupported, saying what to
// install.
Status CheckAvailable();

// A page that shows `json`, the output of qbench, qconvert, bench/growth.sh or bench/accuracy.sh (its key
// "tool" says which). It holds exactly this JSON, Chart.js and everything else that it needs: it loads
// nothing and, by its Content-Security-Policy, cannot. Names in the JSON are text wherever they are shown,
// and cannot end the script element that they are in. `title` is plain text. Precondition: `json` is valid
// JSON in UTF-8. Errors: CheckAvailable's.
Result<std::string> ReportPage(std::string_view title, std::string_view json);

// Text between tags or in a quoted attribute.
std::string EscapeHtml(std::string_view text);

// JSON inside <script type="application/json">: < > & and the line ends of JavaScript (U+2028, U+2029) become
// \u escapes, which leaves every value what it was.
std::string EscapeJson(std::string_view json);

}  // namespace qrun::html

#endif  // QRUN_CONVERTER_HTML_PAGE_H_
