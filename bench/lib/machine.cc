#include "bench/lib/machine.h"

#include <sys/utsname.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "runtime/qrun.h"

namespace qrun::bench {
namespace {

std::string CpuName() {
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  while (std::getline(info, line)) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  utsname name = {};
  return uname(&name) == 0 ? name.machine : "unknown";
}

std::string OsName() {
  utsname name = {};
  if (uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release;
}

std::string CompilerName() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

}  // namespace

nlohmann::json DescribeMachine() {
  nlohmann::json isas = nlohmann::json::array();
  for (const IsaInfo& isa : Isas()) {
    if (isa.can_run) isas.push_back(isa.name);
  }
  double load = 0;
  const bool known = getloadavg(&load, 1) == 1;
  return {
      {"cpu", CpuName()},           {"logical_cpus", std::thread::hardware_concurrency()},
      {"isas", std::move(isas)},    {"os", OsName()},
      {"compiler", CompilerName()}, {"load_average", known ? nlohmann::json(load) : nlohmann::json(nullptr)}};
}

}  // namespace qrun::bench
