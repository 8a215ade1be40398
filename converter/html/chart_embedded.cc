// The build with Chart.js.
#include <chart_files.h>

#include "converter/html/chart.h"

namespace qrun::html {

std::string_view ChartSource() { return kChartJs; }

}  // namespace qrun::html
