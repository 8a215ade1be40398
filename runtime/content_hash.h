// A fast hash that tells damaged or different files apart.
#ifndef QRUN_RUNTIME_CONTENT_HASH_H_
#define QRUN_RUNTIME_CONTENT_HASH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace qrun {

struct ContentHash {
  uint64_t high = 0, low = 0;
  bool operator==(const ContentHash&) const = default;
  std::string Hex() const;  // 32 digits
};

// 128 bits of `bytes` and their number. A change within one aligned 8-byte word always changes the result;
// others are missed with a chance near 2^-128. No protection against somebody who searches for equal hashes.
// Several bytes a cycle: four chains of multiplications that do not wait for one another (the idea of Y.
// Collet's xxHash, 2012). The same on every machine of one byte order. Thread safe.
ContentHash HashContent(std::span<const std::byte> bytes);

}  // namespace qrun

#endif  // QRUN_RUNTIME_CONTENT_HASH_H_
