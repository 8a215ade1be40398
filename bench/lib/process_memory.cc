#include "bench/lib/process_memory.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

namespace qrun::bench {
namespace {

// Value of a "Key:   123 kB" line of /proc/self/status in bytes; 0 if it is not there.
uint64_t StatusBytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    uint64_t kibibytes = 0;
    if (word == key && status >> kibibytes) return kibibytes * 1024;
    std::getline(status, word);
  }
  return 0;
}

}  // namespace

uint64_t ResidentBytes() { return StatusBytes("VmRSS:"); }

uint64_t PeakResidentBytes() {
  if (const uint64_t peak = StatusBytes("VmHWM:"); peak != 0) return peak;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

bool ResetPeakResident() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

}  // namespace qrun::bench
