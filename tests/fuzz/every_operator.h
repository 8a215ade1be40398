// Small models with every operator of the format and every option away from its default.
#ifndef QRUN_TESTS_FUZZ_EVERY_OPERATOR_H_
#define QRUN_TESTS_FUZZ_EVERY_OPERATOR_H_

#include <cstddef>
#include <vector>

#include "schema/qfb_generated.h"

namespace qrun::tests {

// Files in which every number is stated, defaults too. Together they have all operators.
std::vector<std::byte> EveryInt8Operator();
std::vector<std::byte> EveryFloatOperator();

// The same model with every number stated.
std::vector<std::byte> WithDefaultsStated(const fb::ModelT& model);

}  // namespace qrun::tests

#endif  // QRUN_TESTS_FUZZ_EVERY_OPERATOR_H_
