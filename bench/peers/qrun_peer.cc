// qrun itself, as one of those that peers.py compares.
#include "bench/peers/serve.h"
#include "runtime/cli/input.h"
#include "runtime/cli/terminal.h"
#include "runtime/npy.h"
#include "runtime/qrun.h"

namespace qrun::bench {
namespace {

class QrunPeer final : public Competitor {
 public:
  QrunPeer(Session session, bool with_copies) : session_(std::move(session)), with_copies_(with_copies) {}

  nlohmann::json Describe() const override {
    int linear = 0, int8 = 0;
    nlohmann::json kernels = nlohmann::json::object();
    for (const StepInfo& step : session_.steps()) {
      const std::string name = step.candidate.substr(0, step.candidate.find('/'));
      if (step.macs == 0) continue;
      ++linear;
      int8 += name.ends_with("_s8");
      kernels[step.candidate] = kernels.value(step.candidate, 0) + 1;
    }
    return {
        {"version", Version()},
        {"isa", session_.isa()},
        {"int8", {{"done", int8}, {"of", linear}, {"what", "steps that multiply"}, {"kernels", kernels}}}};
  }
  std::vector<int64_t> InputShape() const override { return SourceShape(session_.inputs()[0]); }
  std::vector<int64_t> OutputShape() const override { return SourceShape(session_.outputs()[0]); }

  Status SetInput(std::span<const float> values) override {
    const TensorInfo& info = session_.inputs()[0];
    input_.assign(values.begin(), values.end());
    if (info.source_is_nchw) {
      const size_t channels = info.extents[3], pixels = values.size() / channels;
      for (size_t i = 0; i < values.size(); ++i) input_[i % pixels * channels + i / pixels] = values[i];
    }
    output_.resize(static_cast<size_t>(session_.outputs()[0].ElementCount()));
    return session_.SetInput(0, input_);
  }
  Status GetOutput(std::span<float> values) override {
    QRUN_ASSIGN_OR_RETURN(const NpyArray array, cli::GetArray(session_, 0, /*raw=*/false));
    std::copy_n(reinterpret_cast<const float*>(array.data.data()), values.size(), values.begin());
    return Status::Ok();
  }
  void Run() override {
    if (!with_copies_) return session_.Run();
    copied_ = session_.SetInput(0, input_).ok();
    session_.Run();
    copied_ = copied_ && session_.GetOutput(0, output_).ok();
  }

 private:
  Session session_;
  const bool with_copies_;
  bool copied_ = true;
  std::vector<float> input_, output_;
};

int Main(int argc, char** argv) {
  CLI::App app("Runs a .qfb model for bench/peers.sh.", "qrun_peer");
  std::string path;
  SessionOptions options;
  bool with_copies = false;
  app.add_option("model", path, "The model file, made by qconvert")->required();
  app.add_option("--threads", options.threads, "Threads to run with")->check(CLI::Range(1, 256));
  app.add_option("--isa", options.isa, "Instruction set, by name (default: $QRUN_ISA, else the best)");
  app.add_flag("--copies", with_copies,
               "Also time copying floats in and out, quantising them if the model is int8");
  if (const int code = cli::Parse(app, argc, argv); code >= 0) return code;
  const auto model = Model::Open(path);
  if (!model.ok()) return RefuseToServe(model.error());
  if (model->inputs().size() != 1)
    return RefuseToServe(Status::Unsupported("the model has more than one input"));
  auto session = Session::Create(*model, options);
  if (!session.ok()) return RefuseToServe(session.error());
  QrunPeer peer(*std::move(session), with_copies);
  return Serve(peer);
}

}  // namespace
}  // namespace qrun::bench

int main(int argc, char** argv) { return qrun::bench::Main(argc, argv); }
