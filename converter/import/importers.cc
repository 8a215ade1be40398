#include "converter/import/importers.h"

#include <algorithm>
#include <iterator>

namespace qrun::converter {
namespace {

struct Row {
  std::string_view op_type;
  Importer importer;
};

constexpr Row kRows[] = {
#define QRUN_IMPORT(op_type, function) {#op_type, function},
#include "converter/import/import_list.inc"
#undef QRUN_IMPORT
};

constexpr std::string_view kQuantized[] = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear",
                                           "ConvInteger", "MatMulInteger"};

}  // namespace

Importer FindImporter(std::string_view op_type) {
  const auto row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.op_type == op_type; });
  return row == std::end(kRows) ? nullptr : row->importer;
}

bool IsQuantizedOperator(std::string_view op_type) {
  return op_type.starts_with("QLinear") || op_type.starts_with("QGemm") ||
         std::find(std::begin(kQuantized), std::end(kQuantized), op_type) != std::end(kQuantized);
}

}  // namespace qrun::converter
