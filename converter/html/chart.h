// Chart.js, if the build has it.
#ifndef QRUN_CONVERTER_HTML_CHART_H_
#define QRUN_CONVERTER_HTML_CHART_H_

#include <string_view>

namespace qrun::html {

// The library's source with its licence notice; empty if the build machine had none.
std::string_view ChartSource();

}  // namespace qrun::html

#endif  // QRUN_CONVERTER_HTML_CHART_H_
