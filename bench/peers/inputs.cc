// Prepares the images of a list as a model says, for those who cannot: one array in the source model's
// layout.
#include <fmt/format.h>

#include <algorithm>

#include "bench/lib/samples.h"
#include "bench/peers/serve.h"
#include "runtime/cli/terminal.h"

namespace qrun::bench {
namespace {

struct Arguments {
  std::string model, output, labels;
  SampleOptions samples;
  size_t images = 0;
};

// Appends the float input of a session, in the source's layout.
void Append(Session& session, std::vector<std::byte>& data) {
  const TensorInfo& info = session.inputs()[0];
  const auto* nhwc = reinterpret_cast<const float*>(session.InputBytes(0).data());
  std::vector<float> values(nhwc, nhwc + info.ElementCount());
  if (info.source_is_nchw) {
    const size_t channels = info.extents[3], pixels = values.size() / channels;
    for (size_t i = 0; i < values.size(); ++i) values[i] = nhwc[i % pixels * channels + i / pixels];
  }
  const auto bytes = std::as_bytes(std::span(values));
  data.insert(data.end(), bytes.begin(), bytes.end());
}

Status Prepare(const Arguments& args) {
  QRUN_ASSIGN_OR_RETURN(const Model model, Model::Open(args.model));
  if (model.inputs().size() != 1 || model.inputs()[0].dtype != DType::kFloat32) {
    return Status::InvalidArgument("'" + args.model + "' does not have exactly one input, of float32");
  }
  const Model* const models[] = {&model};
  QRUN_ASSIGN_OR_RETURN(const auto source, OpenSamples(args.samples, models));
  QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, {}));
  NpyArray array = {"f4", SourceShape(session.inputs()[0]), {}}, labels = {"i4", {0}, {}};
  const size_t wanted = args.images == 0 ? source->size() : std::min(args.images, source->size());
  for (size_t i = 0; i < wanted; ++i) {
    const auto sample = source->Load(i);
    if (!sample.ok()) {
      fmt::print(stderr, "peer_inputs: failed: {}: {}\n", source->Name(i), sample.error().message());
      continue;
    }
    QRUN_RETURN_IF_ERROR(SetSample(session, model, *sample, 0));
    Append(session, array.data);
    const int32_t label = source->Label(i);
    const auto bytes = std::as_bytes(std::span(&label, 1));
    labels.data.insert(labels.data.end(), bytes.begin(), bytes.end());
  }
  array.shape[0] = labels.shape[0] = static_cast<int64_t>(labels.data.size() / sizeof(int32_t));
  if (array.shape[0] == 0) return Status::InvalidArgument("none of the items could be used");
  QRUN_RETURN_IF_ERROR(WriteNpy(args.output, array));
  return WriteNpy(args.labels, labels);
}

int Main(int argc, char** argv) {
  CLI::App app("Prepares labelled images as a float model takes them.", "peer_inputs");
  Arguments args;
  app.add_option("model", args.model, "A float .qfb file that says how images are prepared")->required();
  app.add_option("--list", args.samples.list, "CSV list of images, lines 'filename,class_index'")->required();
  app.add_option("--root", args.samples.root, "Folder of the images (default: the list's folder)");
  app.add_option("--images", args.images, "Only the first N of the list");
  app.add_option("--output", args.output, "The .npy file of inputs to write, [N, ...]")->required();
  app.add_option("--labels", args.labels, "The .npy file of class indices to write")->required();
  if (const int code = cli::Parse(app, argc, argv); code >= 0) return code;
  if (const Status status = Prepare(args); !status.ok()) return cli::Fail("peer_inputs", status);
  return cli::kExitOk;
}

}  // namespace
}  // namespace qrun::bench

int main(int argc, char** argv) { return qrun::bench::Main(argc, argv); }
