# Code compiled with an ISA's flags must not reach callers on a lesser CPU. Inline functions and templates become weak
# symbols, of which the linker keeps one copy, maybe the AVX-512 one. So, without optimisation (which hides them) and
# with the least that CMake builds these files with:
#   - an ISA's object has one strong symbol, its table;
#   - its weak symbols are xsimd's, which isa_tags.h renames for each ISA, and no other file of the libraries uses xsimd;
#   - no two ISAs have a weak symbol in common.
# Without optimisation, the one-line functions behind xsimd's exp and log are excepted; that is why CMake never builds
# these files so.
# At the end the check must find leaks that are made on purpose. Run by ctest with -D CXX, LAUNCHER, NM, XSIMD, SOURCE_DIR,
# WORK_DIR and CMAKE_SYSTEM_PROCESSOR.
cmake_minimum_required(VERSION 3.22)
include(${SOURCE_DIR}/cmake/isa_rows.cmake)
file(MAKE_DIRECTORY ${WORK_DIR})

# Compiles `source` with the flags of one row at -O0 or -O1, and sets `out` to its global symbols, as "<type> <demangled name>".
function(symbols_of out row source optimisation)
  string(REGEX MATCH "^(.*)\\|(.*)\\|(.*)$" row "${row}")
  set(isa ${CMAKE_MATCH_1})
  set(tag ${CMAKE_MATCH_2})
  separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_3}")
  set(object ${WORK_DIR}/${isa}.o)
  execute_process(
    COMMAND ${LAUNCHER} ${CXX} -std=c++20 ${optimisation} -fPIC -ffp-contract=off -fno-exceptions -fno-rtti ${flags}
            -DQRUN_ISA_NAME=${isa} -DQRUN_ISA_TAG=${tag} -I${SOURCE_DIR} -idirafter ${XSIMD} -c ${source} -o ${object}
    RESULT_VARIABLE failed ERROR_VARIABLE errors)
  if(failed)
    message(FATAL_ERROR "${isa}: ${source} does not compile: ${errors}")
  endif()
  execute_process(COMMAND ${NM} -C --defined-only --extern-only ${object} OUTPUT_VARIABLE text
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE ";|\\[|\\]" "_" text "${text}")  # these would break CMake's lists
  string(REPLACE "\n" ";" lines "${text}")
  set(symbols)
  foreach(line IN LISTS lines)
    if(line MATCHES "^[0-9a-f]+ ([A-Za-z]) (.+)$")
      list(APPEND symbols "${CMAKE_MATCH_1} ${CMAKE_MATCH_2}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES symbols)  # constructors come in pairs
  set(${out} "${symbols}" PARENT_SCOPE)
endfunction()

# Sets `out` to the symbols of one ISA's object that may not be there; `seen` holds those of the ISAs before. `allowed` and
# `shared` are regular expressions for weak symbols, the latter for those that ISAs may have in common.
function(leaks_of out isa symbols seen allowed shared)
  set(leaks)
  foreach(symbol IN LISTS symbols)
    if(symbol STREQUAL "D qrun_kernel_table_${isa}" OR symbol STREQUAL "R qrun_kernel_table_${isa}")
      continue()
    endif()
    list(FIND seen "${symbol}" before)
    if(NOT symbol MATCHES "^[WVu] ${allowed}" OR NOT (before EQUAL -1 OR symbol MATCHES "${shared}"))
      list(APPEND leaks "${symbol}")
    endif()
  endforeach()
  set(${out} "${leaks}" PARENT_SCOPE)
endfunction()

qrun_isa_rows(rows ${SOURCE_DIR}/kernels/isa_list.inc)
set(one_liners "std::numeric_limits<float>::(min|infinity)\\(\\)")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)  # xsimd keeps NEON's casts in tuples
  string(APPEND one_liners "|vreinterpretq_|.*std::.*__(Int|Uint|Float)[0-9]+x[0-9]+_t \\(\\*|.*std::.*__(Int|Uint|Float)[0-9]+x[0-9]+_t\\)")
  set(one_liners "(${one_liners})")
endif()
set(allowed_-O0 "(${one_liners}|.*xsimd_[a-z0-9_]+::)")
set(shared_-O0 "${one_liners}")
set(allowed_-O1 ".*xsimd_[a-z0-9_]+::")
set(shared_-O1 "^$")
foreach(optimisation -O0 -O1)
  set(seen)
  foreach(row IN LISTS rows)
    string(REGEX REPLACE "\\|.*" "" isa "${row}")
    symbols_of(symbols "${row}" ${SOURCE_DIR}/kernels/isa_kernels.cc ${optimisation})
    leaks_of(leaks ${isa} "${symbols}" "${seen}" "${allowed_${optimisation}}" "${shared_${optimisation}}")
    if(leaks)
      list(JOIN leaks "\n  " leaks)
      message(FATAL_ERROR "${isa} ${optimisation}: isa_kernels.cc leaks symbols; keep everything in anonymous namespaces "
                          "and use no inline function or template of the standard library:\n  ${leaks}")
    endif()
    list(LENGTH symbols count)
    message(STATUS "${isa} ${optimisation}: ${count} global symbols, no leak")
    list(APPEND seen ${symbols})
  endforeach()
endforeach()

file(GLOB_RECURSE sources ${SOURCE_DIR}/schema/*.cc ${SOURCE_DIR}/schema/*.h ${SOURCE_DIR}/kernels/*.cc
     ${SOURCE_DIR}/kernels/*.h ${SOURCE_DIR}/runtime/*.cc ${SOURCE_DIR}/runtime/*.h)
list(FILTER sources EXCLUDE REGEX "\\.inl\\.h$|/isa_kernels\\.cc$|/isa_tags\\.h$")
foreach(source IN LISTS sources)
  file(STRINGS ${source} uses REGEX "^#include .*(xsimd/|isa_tags\\.h|\\.inl\\.h)")
  if(uses)
    message(FATAL_ERROR "${source} is compiled for every CPU, but includes code for some: ${uses}")
  endif()
endforeach()

# The check can fail: a function of the standard library, an inline function of ours, a strong symbol, and what another
# ISA has already.
set(example ${WORK_DIR}/leaks.cc)
file(WRITE ${example} "#include <algorithm>\n#include \"kernels/isa_tags.h\"\nnamespace qrun {\n"
     "inline int Shared(int a) { return a + 1; }\nint Strong(int a) { return std::max(a, Shared(a)); }\n}\n")
list(GET rows 0 row)
string(REGEX REPLACE "\\|.*" "" isa "${row}")
symbols_of(symbols "${row}" ${example} -O0)
leaks_of(leaks ${isa} "${symbols}" "" "${allowed_-O0}" "${shared_-O0}")
foreach(wanted "W .*std::max" "W qrun::Shared" "T qrun::Strong")
  if(NOT leaks MATCHES "${wanted}")
    message(FATAL_ERROR "the check did not find the leak '${wanted}' that was made on purpose, only: ${leaks}")
  endif()
endforeach()
leaks_of(leaks ${isa} "W xsimd_a::twice" "W xsimd_a::twice" "${allowed_-O0}" "${shared_-O0}")
if(NOT leaks)
  message(FATAL_ERROR "the check did not find a symbol that two ISAs share")
endif()
