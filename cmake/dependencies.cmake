# Every library is the distribution's package; nothing is downloaded at configure time.
find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED)

# Debian's FlatBuffers ships headers, flatc and a CMake package.
find_package(Flatbuffers QUIET)
find_program(QRUN_FLATC flatc)
if(NOT QRUN_FLATC)
  message(FATAL_ERROR "flatc not found: install flatbuffers-compiler and libflatbuffers-dev (cmake/setup.sh does)")
endif()

find_path(QRUN_XSIMD_INCLUDE xsimd/xsimd.hpp REQUIRED)

if(QRUN_ONEDNN)
  # Debian's dnnl-config.cmake insists on OpenCL, which a CPU build does not use: find the two files ourselves.
  find_path(QRUN_DNNL_INCLUDE oneapi/dnnl/dnnl.hpp REQUIRED)
  find_library(QRUN_DNNL_LIBRARY dnnl REQUIRED)
  # The OpenMP that the library runs on, which need not be the compiler's: two of them in one process would both keep threads.
  find_library(QRUN_OPENMP_LIBRARY NAMES libgomp.so.1 gomp REQUIRED)
endif()
if(QRUN_IMAGE)
  find_package(PNG REQUIRED)
  find_package(JPEG REQUIRED)
endif()

# Command line tools.
find_package(CLI11 CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(fmt CONFIG QUIET)
if(NOT fmt_FOUND AND CMAKE_CROSSCOMPILING)  # the library is the host's, the headers suffice
  find_path(QRUN_FMT_INCLUDE fmt/format.h REQUIRED)
  add_library(fmt::fmt INTERFACE IMPORTED)
  target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY=1)
elseif(NOT fmt_FOUND)
  message(FATAL_ERROR "fmt not found: install libfmt-dev (cmake/setup.sh does)")
endif()

if(QRUN_CONVERTER)
  find_package(Protobuf REQUIRED)
  find_library(QRUN_ONNX_LIBRARY onnx REQUIRED)
  find_library(QRUN_ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
  find_path(QRUN_ONNX_INCLUDE onnx/onnx_pb.h REQUIRED)
  # One file without imports (UMD), which a page can hold as it is.
  find_file(QRUN_CHART_JS NAMES chart.min.js Chart.min.js chart.umd.js
            PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist NO_DEFAULT_PATH)
  if(NOT QRUN_CHART_JS)
    message(STATUS "Chart.js not found (libjs-chart.js): no HTML reports")
  endif()
endif()
if(QRUN_BENCH)
  find_package(benchmark QUIET)
  if(NOT benchmark_FOUND)
    message(STATUS "Google Benchmark not found (libbenchmark-dev): no benchmarks of single kernels")
  endif()
endif()
if(QRUN_TESTS)
  if(CMAKE_CROSSCOMPILING)  # the library is the host's, its sources are there for this
    set(BUILD_GMOCK OFF)
    set(INSTALL_GTEST OFF)
    add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
  else()
    find_package(GTest REQUIRED)
  endif()
endif()
