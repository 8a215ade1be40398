// Zero-filled memory aligned to a cache line.
#ifndef QRUN_RUNTIME_ALIGNED_BUFFER_H_
#define QRUN_RUNTIME_ALIGNED_BUFFER_H_

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace qrun {

inline constexpr size_t kAlignment = 64;

inline constexpr size_t AlignUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Owns its bytes; the address is stable under moves. size() may be 0.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    data_.reset(static_cast<std::byte*>(::operator new (AlignUp(bytes), std::align_val_t{kAlignment})));
    std::memset(data_.get(), 0, AlignUp(bytes));
  }

  std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<std::byte, Free> data_;
  size_t size_ = 0;
};

}  // namespace qrun

#endif  // QRUN_RUNTIME_ALIGNED_BUFFER_H_
