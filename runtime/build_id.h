// Which build of the program this is.
#ifndef QRUN_RUNTIME_BUILD_ID_H_
#define QRUN_RUNTIME_BUILD_ID_H_

#include <string>

namespace qrun {

// The linker's build id, in hexadecimal, of the program or library that this code was linked into: other code
// has another. Empty if the linker wrote none (-Wl,--build-id makes it do so). Thread safe.
std::string BuildId();

}  // namespace qrun

#endif  // QRUN_RUNTIME_BUILD_ID_H_
