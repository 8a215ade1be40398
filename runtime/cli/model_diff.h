// Two models, layer by layer.
#ifndef QRUN_RUNTIME_CLI_MODEL_DIFF_H_
#define QRUN_RUNTIME_CLI_MODEL_DIFF_H_

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/qrun.h"

namespace qrun::cli {

// Operators correspond by name, the k-th of a name with the k-th. Keys:
//   equal             nothing below differs; also the order of the operators is the same
//   a, b              name, file_bytes, operators (how many)
//   model[]           what, a, b: differences beside the operators: name, producer, file_bytes, inputs,
//   outputs,
//                     labels, preprocessing, provenance by field, promised_arena_bytes
//   only_a[], only_b[]  name, type of operators without a counterpart
//   same_operators    operators that do not differ
//   operators[]       those that do: name, type, differences[] (what, a, b: type, output, shape, dtype,
//   scale,
//                     zero_point, reads, options, ...) and constants[]: name, elements, different (how many),
//                     max_abs, sqnr_db: 10 log10(sum a^2 / sum (a - b)^2) of the real values, null where that
//                     is infinite; or comparable: false if the shapes differ
// Two models that are equal here compute the same; their files may still be laid out differently.
nlohmann::json DiffModels(const Model& a, const Model& b);

// The text form, printed from the JSON.
std::string DiffText(const nlohmann::json& diff);

}  // namespace qrun::cli

#endif  // QRUN_RUNTIME_CLI_MODEL_DIFF_H_
