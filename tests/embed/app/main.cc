// Runs a model on one array of floats from stdin and prints its scores: embed model.qfb < values.txt
#include <iostream>

#include "runtime/qrun.h"

int main(int argc, char** argv) {
  auto model = qrun::Model::Open(argc > 1 ? argv[1] : "model.qfb");
  if (!model.ok()) return std::cerr << model.error().message() << "\n", 1;
  auto session = qrun::Session::Create(*model, {.threads = 1});
  if (!session.ok()) return std::cerr << session.error().message() << "\n", 1;

  std::vector<float> pixels(session->inputs()[0].ElementCount());  // NHWC
  std::vector<float> scores(session->outputs()[0].ElementCount());
  for (float& pixel : pixels) std::cin >> pixel;
  if (auto status = session->SetInput(0, pixels); !status.ok()) return std::cerr << status.message() << "\n", 1;
  session->Run();  // allocates nothing, cannot fail; call it as often as you like
  if (auto status = session->GetOutput(0, scores); !status.ok()) return std::cerr << status.message() << "\n", 1;
  for (float score : scores) std::cout << score << "\n";
}
