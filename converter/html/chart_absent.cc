// The build without Chart.js.
#include "converter/html/chart.h"

namespace qrun::html {

std::string_view ChartSource() { return {}; }

}  // namespace qrun::html
