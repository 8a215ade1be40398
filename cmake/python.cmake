# Python for the tests, and tests written in Python.

# qrun_find_python(<variable> [module...]): a python3 that can import the modules. The distribution's comes first,
# because the distribution's packages are for that one; another python3 on PATH often shadows it.
function(qrun_find_python variable)
  list(JOIN ARGN ", " modules)
  string(REPLACE ", " "_" suffix "${modules}")
  set(cached QRUN_PYTHON_WITH_${suffix})
  if(NOT ${cached})
    find_program(QRUN_PYTHON_ON_PATH python3)
    foreach(python IN ITEMS /usr/bin/python3 ${QRUN_PYTHON_ON_PATH})
      set(result 0)
      if(modules)
        execute_process(COMMAND ${python} -c "import ${modules}" RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
      endif()
      if(result EQUAL 0 AND EXISTS ${python})
        set(${cached} ${python} CACHE FILEPATH "python3 that has: ${modules}")
        break()
      endif()
    endforeach()
  endif()
  if(NOT ${cached})
    message(FATAL_ERROR "No python3 can import ${modules}, which the tests need: run `bash cmake/setup.sh --test`, "
                        "or build without tests (-DQRUN_TESTS=OFF)")
  endif()
  set(${variable} ${${cached}} PARENT_SCOPE)
endfunction()

# Programs of another architecture run under an emulator; tests read its command line in QRUN_EMULATOR.
list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " qrun_emulator)
set(qrun_python_environment QRUN_SOURCE_DIR=${PROJECT_SOURCE_DIR} QRUN_BINARY_DIR=${PROJECT_BINARY_DIR}
    QRUN_EMULATOR=${qrun_emulator} PYTHONDONTWRITEBYTECODE=1)

# qrun_python_test(<file> LABEL <label> [MODULES module...] [RESOURCE <lock>] [FIXTURE <fixture>] [TIMEOUT <seconds>]
#                  [WHOLE]): one ctest entry per test method of a unittest file (WHOLE: one for the file), run from
# the project's root with the build folder in QRUN_BINARY_DIR. A test that skips counts as skipped.
function(qrun_python_test file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "WHOLE" "LABEL;RESOURCE;FIXTURE;TIMEOUT" "MODULES")
  qrun_find_python(python ${arg_MODULES})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  cmake_path(GET file STEM stem)
  cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  set(cases "")
  if(NOT arg_WHOLE)
    file(STRINGS ${file} lines REGEX "^class [A-Za-z0-9_]+|^    def test_[a-z0-9_]+")
    foreach(line IN LISTS lines)
      if(line MATCHES "^class ([A-Za-z0-9_]+)")
        set(class ${CMAKE_MATCH_1})
      elseif(line MATCHES "def (test_[a-z0-9_]+)")
        list(APPEND cases ${class}.${CMAKE_MATCH_1})
      endif()
    endforeach()
    if(NOT cases)
      message(FATAL_ERROR "${file} has no test")
    endif()
  else()
    set(cases ALL)
  endif()
  foreach(case IN LISTS cases)
    string(REPLACE ".test_" "." name "${stem}.${case}")
    set(selection ${case})
    if(case STREQUAL ALL)
      set(name ${stem})
      set(selection "")
    endif()
    add_test(NAME ${arg_LABEL}.${name} COMMAND ${python} ${file} -v ${selection}
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    # unittest ends a run in which every test skipped with "OK (skipped=N)".
    set_tests_properties(${arg_LABEL}.${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
      SKIP_REGULAR_EXPRESSION "OK \\(skipped="
      ENVIRONMENT "${qrun_python_environment}")
    if(arg_RESOURCE)
      set_tests_properties(${arg_LABEL}.${name} PROPERTIES RESOURCE_LOCK ${arg_RESOURCE})
    endif()
    if(arg_FIXTURE)
      set_tests_properties(${arg_LABEL}.${name} PROPERTIES FIXTURES_REQUIRED ${arg_FIXTURE})
    endif()
  endforeach()
endfunction()
