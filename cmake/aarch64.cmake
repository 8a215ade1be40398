# Cross compiles for 64-bit ARM and runs what it built under qemu (preset aarch64). Headers come from the distribution's
# packages in /usr/include, which Debian's cross compiler searches last.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)  # what GoogleTest asks for
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
