# What a build contains. Each option adds or removes whole files.
option(QRUN_ONEDNN "Run float operators on oneDNN; off: on qrun's own xsimd kernels" ON)
option(QRUN_IMAGE "Decode PNG and JPEG (libpng, libjpeg-turbo) and preprocess images" ON)
option(QRUN_THREADS "Use worker threads; off: every session runs on the caller's thread" ON)
option(QRUN_CONVERTER "Build qconvert (needs libonnx and protobuf)" ${PROJECT_IS_TOP_LEVEL})
include(CMakeDependentOption)
cmake_dependent_option(QRUN_BENCH "Build qbench, qeval and, with Google Benchmark, the kernel benchmarks" ON
                       "QRUN_CONVERTER" OFF)
option(QRUN_TESTS "Build the tests (needs GoogleTest and Python)" ${PROJECT_IS_TOP_LEVEL})
option(QRUN_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(QRUN_TSAN "Build with ThreadSanitizer" OFF)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
