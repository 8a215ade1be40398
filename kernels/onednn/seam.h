// The one place through which qrun uses oneDNN: float convolutions and fully connected layers.
//
// Two files implement it: onednn.cc, and absent.cc for builds with QRUN_ONEDNN=OFF, where every factory
// declines. Creating packs the weights into oneDNN's preferred layout; running computes on memory given at
// Bind. oneDNN itself allocates a few hundred bytes per execution (its argument map); nothing of ours does.
// Thread safety: one object belongs to one session; different objects run at once.
#ifndef QRUN_KERNELS_ONEDNN_SEAM_H_
#define QRUN_KERNELS_ONEDNN_SEAM_H_

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/args.h"
#include "schema/status.h"

namespace qrun::kernels {

struct OnednnConvProblem {
  Window window;  // input dilation must be 1
  int pad_bottom = 0, pad_right = 0;
  int ic = 0, oc = 0, groups = 1;
  bool depthwise = false;  // weights are HWC instead of OHWI; groups = ic = oc
  float lo = 0, hi = 0;    // clamp, may be infinite
  int threads = 1;
};

struct OnednnFcProblem {
  int rows = 1, ic = 0, oc = 0;
  float lo = 0, hi = 0;
  int threads = 1;
};

// Calls function(context, i) once for each i in [0, tasks) on at most `threads` of the threads that the
// library's kernels run on, the caller among them, and returns when all calls have. For steps of ours between
// the library's: OpenMP's threads spin for milliseconds after each of its kernels, on the processors that
// others would need.
void RunOnLibraryThreads(int threads, int tasks, void (*function)(void* context, int task),
                         void* context) noexcept;

class OnednnKernel {
 public:
  // wei OHWI [oc, kh, kw, ic / groups] or HWC; bia [oc] or null. Errors: unsupported, with oneDNN's reason.
  static Result<std::unique_ptr<OnednnKernel>> Convolution(const OnednnConvProblem& problem, const float* wei,
                                                           const float* bia);
  // wei [oc, ic]; bia [oc] or null. Errors: unsupported.
  static Result<std::unique_ptr<OnednnKernel>> FullyConnected(const OnednnFcProblem& problem,
                                                              const float* wei, const float* bia);
  ~OnednnKernel();

  size_t scratch_bytes() const;
  size_t packed_weight_bytes() const;
  std::string implementation() const;  // oneDNN's name for what it chose

  // src and dst NHWC or [rows, channels]; scratch of scratch_bytes, 64-byte aligned.
  void Bind(const float* src, float* dst, std::byte* scratch);
  void Run() noexcept;

 private:
  struct Impl;
  explicit OnednnKernel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_ONEDNN_SEAM_H_
