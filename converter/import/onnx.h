// ONNX files, opset 7 to 22, to the converter's graph.
#ifndef QRUN_CONVERTER_IMPORT_ONNX_H_
#define QRUN_CONVERTER_IMPORT_ONNX_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

struct ImportOptions {
  // Shapes that replace the ones in the file, by input name; "" stands for the only input. The batch extent
  // (first) is read as 1 whatever it says.
  std::map<std::string, Shape> input_shape;
};

// What was read, for messages and for the file's provenance.
struct ImportReport {
  int64_t opset = 0;
  std::string producer;                  // "pytorch 1.13.0"
  std::map<std::string, int> operators;  // operator type -> how often
  int64_t parameters = 0;                // elements of the file's initializers
  std::vector<std::string> notes;        // what was assumed, one sentence each
};

// Reads the file at `path`; tensors that it keeps in other files are looked for next to it. Float weights of
// any width become float32; the batch extent becomes 1; sub-graphs that only compute shapes are evaluated.
// The graph has Layout::kNchw and operators of graph.h. Errors: io; invalid_model (not ONNX, truncated,
// inconsistent); unsupported (one message that lists every node that cannot be converted, with the reason);
// invalid_argument (options.input_shape); resource_limit. `report` may be null.
Result<Graph> ImportOnnx(const std::string& path, const ImportOptions& options, ImportReport* report);

// The same from memory. `directory` is where external tensors may lie; empty: the model may have none.
Result<Graph> ImportOnnxBytes(std::string_view bytes, const std::string& directory,
                              const ImportOptions& options, ImportReport* report);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMPORT_ONNX_H_
