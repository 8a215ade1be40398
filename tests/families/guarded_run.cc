// guarded_run MODEL...: runs each with its activations between guard pages (tests/runtime/guarded_runs.h).
// Ends with 1 if one gives other bytes there, and by a signal if one steps over them.
#include <cstdio>

#include "tests/runtime/guarded_runs.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto model = qrun::Model::Open(argv[i]);
    if (!model.ok()) return std::fprintf(stderr, "%s\n", model.error().message().c_str()), 1;
    const qrun::tests::GuardedRuns runs = qrun::tests::RunGuarded(*model, /*batch=*/1);
    if (!runs.failure.empty()) return std::fprintf(stderr, "%s: %s\n", argv[i], runs.failure.c_str()), 1;
    std::printf("%s: %d runs between guard pages\n", argv[i], runs.runs);
  }
  return 0;
}
