// qinspect: what is inside a .qfb model, and how it would run here.
#include <fmt/format.h>

#include "runtime/cli/model_report.h"
#include "runtime/cli/terminal.h"

int main(int argc, char** argv) {
  using namespace qrun;
  CLI::App app("Prints operators, shapes, quantisation, parameters, MACs and bytes of a .qfb model.",
               "qinspect");
  std::string path;
  bool plan = false, json = false;
  SessionOptions options;
  app.add_option("model", path, "The model file")->required();
  app.add_flag("--plan", plan,
               "Also build the plan: the kernel of every step, why others declined, the arena map");
  app.add_option("--threads", options.threads, "Threads of the plan")->capture_default_str();
  app.add_option("--batch", options.batch, "Batch of the plan")->capture_default_str();
  app.add_option("--isa", options.isa,
                 "Instruction set of the plan, by name (default: the best of this CPU)");
  app.add_flag("--json", json, "Machine-readable output");
  app.footer("Exit codes: 0 success, 1 the model cannot be read or planned, 2 wrong arguments.");
  if (const int code = cli::Parse(app, argc, argv); code >= 0) return code;

  auto model = Model::Open(path);
  if (!model.ok()) return cli::Fail("qinspect", model.error());
  nlohmann::json report = cli::DescribeModel(*model);
  if (plan) {
    auto session = Session::Create(*model, options);
    if (!session.ok()) return cli::FailSession("qinspect", session.error());
    report["plan"] = cli::DescribePlan(*session);
  }
  if (json) {
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return cli::kExitOk;
  }
  fmt::print("{}", cli::ModelText(report));
  if (plan) fmt::print("{}", cli::PlanText(report["plan"]));
  return cli::kExitOk;
}
