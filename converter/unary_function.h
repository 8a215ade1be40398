// The schema's element-wise functions as a plain formula.
#ifndef QRUN_CONVERTER_UNARY_FUNCTION_H_
#define QRUN_CONVERTER_UNARY_FUNCTION_H_

#include "schema/qfb_generated.h"

namespace qrun::converter {

// UnaryKind's formula in binary64. NaN stays NaN.
double UnaryFunction(const fb::UnaryT& op, double x);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_UNARY_FUNCTION_H_
