#include "bench/lib/child_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "schema/cat.h"

namespace qrun::bench {
namespace {

void WriteAll(int file, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(file, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the parent has gone: nobody is left to tell
    data += written;
    size -= static_cast<size_t>(written);
  }
}

std::string ReadAll(int file) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

std::string Ending(int status) {
  if (WIFSIGNALED(status)) return Cat("signal ", WTERMSIG(status));
  return Cat("exit code ", WEXITSTATUS(status));
}

}  // namespace

// The answer is one byte, the status code, and then the text: the result, or the error's message.
Result<std::string> RunInChild(const std::function<Result<std::string>()>& work) {
  int pipe[2];
  if (::pipe(pipe) != 0) return Status::Io(Cat("cannot make a pipe: ", std::strerror(errno)));
  std::fflush(nullptr);  // or the child would print again what is still in the buffers
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(pipe[0]);
    ::close(pipe[1]);
    return Status::Io(Cat("cannot start a process: ", std::strerror(error)));
  }
  if (child == 0) {
    ::close(pipe[0]);
    const Result<std::string> result = work();
    const std::string text = result.ok() ? *result : result.error().message();
    const char code = static_cast<char>(result.ok() ? StatusCode::kOk : result.error().code());
    WriteAll(pipe[1], &code, 1);
    WriteAll(pipe[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string answer = ReadAll(pipe[0]);
  ::close(pipe[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || answer.empty()) {
    return Status::Internal(Cat("the child process gave no answer (", Ending(status), ")"));
  }
  const auto code = static_cast<StatusCode>(answer[0]);
  answer.erase(0, 1);
  if (code != StatusCode::kOk) return Status(code, std::move(answer));
  return answer;
}

}  // namespace qrun::bench
