// What qinspect tells of a model, as JSON; the text form is printed from it, so that the two cannot differ.
#ifndef QRUN_RUNTIME_CLI_MODEL_REPORT_H_
#define QRUN_RUNTIME_CLI_MODEL_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/qrun.h"

namespace qrun::cli {

// Keys: name, producer, file_bytes, params, macs, weight_bytes, inputs[], outputs[], labels, preprocessing,
// (an input that takes its channels scaled and shifted: channel_scale[], channel_offset[]), provenance (with
// recipe[], the steps of the conversion), operators[] (index, name, type, inputs, output, shape, dtype,
// scale, zero_point, params, macs, weight_bytes, options). MACs and shapes are for batch 1.
nlohmann::json DescribeModel(const Model& model);

// Keys: isa, threads, batch, arena_bytes, packed_weight_bytes, steps[] (index, name, kind, candidate,
// declined[], macs, packed_weight_bytes, scratch_bytes, live_bytes: of the arena, scratch included), arena[]
// (name, offset, bytes, first_step, last_step).
nlohmann::json DescribePlan(const Session& session);

std::string ModelText(const nlohmann::json& model);
std::string PlanText(const nlohmann::json& plan);

}  // namespace qrun::cli

#endif  // QRUN_RUNTIME_CLI_MODEL_REPORT_H_
