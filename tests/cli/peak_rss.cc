// peak_rss PROGRAM ARGUMENTS...: runs the program and, if it succeeds, prints the largest resident memory
// that it had in bytes (ru_maxrss). A small program for this because the kernel counts in that what the
// process was before it became the program: a test in Python would measure its own interpreter.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const pid_t child = fork();
  if (child == 0) {
    execv(argv[1], argv + 1);
    std::perror(argv[1]);
    _exit(127);
  }
  int status = 0;
  rusage usage = {};
  if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
    std::perror("peak_rss");
    return 1;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return 1;
  std::printf("%lld\n", static_cast<long long>(usage.ru_maxrss) * 1024);
  return 0;
}
