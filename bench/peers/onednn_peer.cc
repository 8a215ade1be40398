// oneDNN without a runtime, as one of those that peers.py compares.
#include "bench/peers/onednn_chain.h"
#include "bench/peers/serve.h"
#include "runtime/cli/terminal.h"

namespace qrun::bench {
namespace {

class OnednnPeer final : public Competitor {
 public:
  OnednnPeer(const Model& model, std::unique_ptr<OnednnChain> chain)
      : input_(SourceShape(model.inputs()[0])),
        output_(SourceShape(model.outputs()[0])),
        chain_(std::move(chain)) {}

  nlohmann::json Describe() const override {
    int linear = 0, int8 = 0;
    nlohmann::json kernels = nlohmann::json::object();
    for (const OnednnChain::Layer& layer : chain_->layers()) {
      const std::string kernel = layer.kind + ": " + layer.implementation;
      kernels[kernel] = kernels.value(kernel, 0) + 1;
      if (!layer.multiplies) continue;
      ++linear;
      int8 += layer.int8;
    }
    return {{"version", OnednnChain::Version()},
            {"isa", OnednnChain::Isa()},
            {"int8",
             {{"done", int8},
              {"of", linear},
              {"what", "convolutions and matrix products"},
              {"kernels", kernels}}}};
  }
  std::vector<int64_t> InputShape() const override { return input_; }
  std::vector<int64_t> OutputShape() const override { return output_; }
  Status SetInput(std::span<const float> values) override { return chain_->SetInput(values), Status::Ok(); }
  Status GetOutput(std::span<float> values) override { return chain_->GetOutput(values), Status::Ok(); }
  void Run() override { chain_->Run(); }

 private:
  const std::vector<int64_t> input_, output_;
  std::unique_ptr<OnednnChain> chain_;
};

int Main(int argc, char** argv) {
  CLI::App app("Runs an unfused .qfb model on oneDNN alone, for bench/peers.sh.", "onednn_peer");
  std::string path;
  int threads = 1;
  app.add_option("model", path, "The model file, made by qconvert --no-fuse")->required();
  app.add_option("--threads", threads, "Threads to run with")->check(CLI::Range(1, 256));
  if (const int code = cli::Parse(app, argc, argv); code >= 0) return code;
  const auto model = Model::Open(path);
  if (!model.ok()) return RefuseToServe(model.error());
  auto chain = OnednnChain::Build(*model, threads);
  if (!chain.ok()) return RefuseToServe(chain.error());
  OnednnPeer peer(*model, *std::move(chain));
  return Serve(peer);
}

}  // namespace
}  // namespace qrun::bench

int main(int argc, char** argv) { return qrun::bench::Main(argc, argv); }
