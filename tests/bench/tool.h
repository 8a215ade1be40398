// Runs the tools as a user does.
#ifndef QRUN_TESTS_BENCH_TOOL_H_
#define QRUN_TESTS_BENCH_TOOL_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/bench/scratch.h"

namespace qrun::tests {

struct ToolRun {
  int exit_code = -1;
  std::string out, err;
};

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// `arguments` as a shell takes them.
inline ToolRun RunTool(const std::string& tool, const std::string& arguments) {
  const Scratch scratch;
  const std::string out = scratch.Path("out"), err = scratch.Path("err");
  const std::string command =
      QRUN_BINARY_DIR "/bin/" + tool + " " + arguments + " >" + out + " 2>" + err + " </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadText(out), ReadText(err)};
}

// The same; @x in `arguments` stands for the file x in `folder`.
inline ToolRun RunToolIn(const Scratch& folder, const std::string& tool, std::string arguments) {
  for (size_t at; (at = arguments.find('@')) != std::string::npos;) arguments.replace(at, 1, folder.Path(""));
  return RunTool(tool, arguments);
}

// A run that must end with `exit_code` and `message` on stderr, and leaves stdout empty.
inline void ExpectFailed(const ToolRun& run, int exit_code, const std::string& message) {
  EXPECT_EQ(run.exit_code, exit_code) << run.err;
  EXPECT_NE(run.err.find(message), std::string::npos) << run.err;
  EXPECT_EQ(run.out, "");
}

}  // namespace qrun::tests

#endif  // QRUN_TESTS_BENCH_TOOL_H_
