// qinspect: what is inside a .qfb model, and how it would run here.
#include <fmt/format.h>

#include "runtime/cli/input.h"
#include "runtime/cli/model_diff.h"
#include "runtime/cli/model_report.h"
#include "runtime/cli/terminal.h"

namespace qrun::cli {
namespace {

// Of --diff, as diff(1) has them: a comparison that could not be made is no difference.
constexpr int kExitDiffers = 1, kExitTrouble = 2;

std::string JsonText(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int Diff(const std::string& path_a, const std::string& path_b, bool json) {
  const auto a = Model::Open(path_a);
  const auto b = Model::Open(path_b);
  for (const auto* model : {&a, &b}) {
    if (model->ok()) continue;
    Fail("qinspect", model->error());
    return kExitTrouble;
  }
  const nlohmann::json diff = DiffModels(*a, *b);
  fmt::print("{}", json ? JsonText(diff) : DiffText(diff));
  return diff["equal"].get<bool>() ? kExitOk : kExitDiffers;
}

int Check(const Model& model, bool json) {
  if (model.preprocessing() == nullptr || model.preprocessing()->golden_hash == 0) {
    return Fail("qinspect",
                Status::InvalidArgument(
                    "the model stores no golden image to check: it has no preprocessing, or an older "
                    "qconvert wrote it"));
  }
  if (Status status = CheckGolden(model); !status.ok()) return Fail("qinspect", status);
  const std::string hash = fmt::format("{:016x}", model.preprocessing()->golden_hash);
  fmt::print("{}", json ? JsonText({{"golden_hash", hash}, {"golden_matches", true}})
                        : fmt::format("preprocessing makes the bytes of the golden image (hash {})\n", hash));
  return kExitOk;
}

}  // namespace
}  // namespace qrun::cli

int main(int argc, char** argv) {
  using namespace qrun;
  CLI::App app("Prints operators, shapes, quantisation, parameters, MACs and bytes of a .qfb model.",
               "qinspect");
  std::string path;
  std::string other;
  bool plan = false, json = false, check = false;
  SessionOptions options;
  app.add_option("model", path, "The model file")->required();
  app.add_flag("--plan", plan,
               "Also build the plan: the kernel of every step, why others declined, the arena map");
  app.add_option("--threads", options.threads, "Threads of the plan")->capture_default_str();
  app.add_option("--batch", options.batch, "Batch of the plan")->capture_default_str();
  app.add_option("--isa", options.isa,
                 "Instruction set of the plan, by name (default: the best of this CPU)");
  auto* diff =
      app.add_option("--diff", other,
                     "Another model: print what differs, layer by layer; 0 equal, 1 different, 2 cannot "
                     "be compared");
  app.add_flag("--check", check,
               "Whether preprocessing makes the bytes here that it made when the model was converted")
      ->excludes(diff);
  app.add_flag("--json", json, "Machine-readable output");
  app.footer("Exit codes: 0 success, 1 the model cannot be read or planned, 2 wrong arguments.");
  if (const int code = cli::Parse(app, argc, argv); code >= 0) return code;

  if (!other.empty()) return cli::Diff(path, other, json);
  auto model = Model::Open(path);
  if (!model.ok()) return cli::Fail("qinspect", model.error());
  if (check) return cli::Check(*model, json);
  nlohmann::json report = cli::DescribeModel(*model);
  if (plan) {
    auto session = Session::Create(*model, options);
    if (!session.ok()) return cli::FailSession("qinspect", session.error());
    report["plan"] = cli::DescribePlan(*session);
  }
  if (json) {
    fmt::print("{}", cli::JsonText(report));
    return cli::kExitOk;
  }
  fmt::print("{}", cli::ModelText(report));
  if (plan) fmt::print("{}", cli::PlanText(report["plan"]));
  return cli::kExitOk;
}
