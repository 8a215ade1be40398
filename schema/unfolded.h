// What a file asks for where it names one place many times: in FlatBuffers any two fields may share an
// offset.
#ifndef QRUN_SCHEMA_UNFOLDED_H_
#define QRUN_SCHEMA_UNFOLDED_H_

#include "schema/qfb_generated.h"
#include "schema/status.h"

namespace qrun::schema {

// Names, lists and constants in bytes, each counted as often as it is named: what checking, copying and
// packing them costs, whatever the size of the file. In a file that shares nothing that is less than the
// file. `model` has passed the structural check and has tensors, buffers, operators, inputs and outputs;
// indices may be wrong. Errors: resource_limit above kMaxModelBytes.
Status CheckUnfolded(const fb::Model& model);

}  // namespace qrun::schema

#endif  // QRUN_SCHEMA_UNFOLDED_H_
