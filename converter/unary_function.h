// The schema's element-wise functions as a plain formula.
#ifndef QRUN_CONVERTER_UNARY_FUNCTION_H_
#define QRUN_CONVERTER_UNARY_FUNCTION_H_

#include "schema/qfb_generated.h"

namespace qrun::converter {

// UnaryKind's formula in binary32, computed in binary64 where it is transcendental. NaN stays NaN.
float UnaryFunction(const fb::UnaryT& op, float x);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_UNARY_FUNCTION_H_
