# Language level and the flags that every file is compiled with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(qrun_compile_flags INTERFACE)
target_compile_options(qrun_compile_flags INTERFACE
  $<BUILD_INTERFACE:-Wall> $<BUILD_INTERFACE:-Wextra>
  $<BUILD_INTERFACE:-Werror=unused-result> $<BUILD_INTERFACE:-Werror=return-type>
  # One rounding per operation on every machine: no fused multiply-add behind our back.
  $<BUILD_INTERFACE:-ffp-contract=off>)
target_compile_features(qrun_compile_flags INTERFACE cxx_std_20)
target_include_directories(qrun_compile_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>
  $<INSTALL_INTERFACE:include/qrun>)

if(QRUN_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(QRUN_TSAN)
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

# Paths relative to the project, so that one preset's build finds what another's has compiled.
find_program(QRUN_CCACHE ccache)
if(QRUN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${QRUN_CCACHE})
endif()
