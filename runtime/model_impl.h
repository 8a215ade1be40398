// The inside of qrun::Model: the verified bytes and what was read from them once.
#ifndef QRUN_RUNTIME_MODEL_IMPL_H_
#define QRUN_RUNTIME_MODEL_IMPL_H_

#include <memory>
#include <string>
#include <vector>

#include "runtime/aligned_buffer.h"
#include "runtime/mapped_file.h"
#include "runtime/qrun.h"
#include "schema/qfb_generated.h"

namespace qrun {

struct Model::Impl {
  std::unique_ptr<MappedFile> mapping;  // one of these two holds the bytes
  AlignedBuffer copy;
  size_t file_bytes = 0;
  std::span<const std::byte> bytes() const {
    return mapping ? mapping->bytes() : std::span<const std::byte>(copy.data(), copy.size());
  }
  const fb::Model* file = nullptr;

  std::vector<TensorInfo> inputs, outputs;
  std::vector<std::string> labels;
  std::unique_ptr<Preprocessing> preprocessing;
};

}  // namespace qrun

#endif  // QRUN_RUNTIME_MODEL_IMPL_H_
