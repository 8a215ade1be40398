// The seam of a build without oneDNN: every factory declines, and the next candidate is taken.
#include "kernels/onednn/seam.h"

namespace qrun::kernels {

struct OnednnKernel::Impl {};

OnednnKernel::OnednnKernel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OnednnKernel::~OnednnKernel() = default;

Result<std::unique_ptr<OnednnKernel>> OnednnKernel::Convolution(const OnednnConvProblem&, const float*,
                                                                const float*) {
  return Status::Unsupported("built without oneDNN");
}

Result<std::unique_ptr<OnednnKernel>> OnednnKernel::FullyConnected(const OnednnFcProblem&, const float*,
                                                                   const float*) {
  return Status::Unsupported("built without oneDNN");
}

// No object exists in this build, so nothing calls the rest.
void RunOnLibraryThreads(int, int, void (*)(void*, int), void*) noexcept {}
size_t OnednnKernel::scratch_bytes() const { return 0; }
size_t OnednnKernel::packed_weight_bytes() const { return 0; }
std::string OnednnKernel::implementation() const { return {}; }
void OnednnKernel::Bind(const float*, float*, std::byte*) {}
void OnednnKernel::Run() noexcept {}

}  // namespace qrun::kernels
