# Files as bytes in C++.

# qrun_embed(<variable> <namespace> <file>...): makes <stem>_<extension>.cc of every file when the build needs it, with
# `extern const std::string_view k<Stem><Extension>`, and <first stem>_files.h that declares them all. <variable> gets
# the list of the sources.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(QRUN_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(qrun_embed variable namespace)
    set(sources "")
    set(declarations "")
    foreach(file IN LISTS ARGN)
      cmake_path(GET file FILENAME name)
      string(MAKE_C_IDENTIFIER ${name} id)
      string(REPLACE "_" ";" words ${id})
      set(constant k)
      foreach(word IN LISTS words)
        string(SUBSTRING ${word} 0 1 head)
        string(SUBSTRING ${word} 1 -1 tail)
        string(TOUPPER ${head} head)
        string(APPEND constant ${head}${tail})
      endforeach()
      cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
      set(source ${CMAKE_CURRENT_BINARY_DIR}/${id}.cc)
      add_custom_command(
        OUTPUT ${source}
        COMMAND ${CMAKE_COMMAND} -D INPUT=${file} -D OUTPUT=${source} -D NAMESPACE=${namespace}
                -D CONSTANT=${constant} -P ${QRUN_EMBED_SCRIPT}
        DEPENDS ${file} ${QRUN_EMBED_SCRIPT}
        VERBATIM)
      list(APPEND sources ${source})
      string(APPEND declarations "extern const std::string_view ${constant};\n")
    endforeach()
    list(GET ARGN 0 first)
    cmake_path(GET first STEM stem)
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${stem}_files.h @ONLY
         CONTENT "#pragma once\n#include <string_view>\nnamespace ${namespace} {\n${declarations}}\n")
    set(${variable} ${sources} PARENT_SCOPE)
  endfunction()
  return()
endif()

file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <string_view>
namespace ${NAMESPACE} {
namespace {
const unsigned char kBytes[] = {
${bytes}
};
}  // namespace
extern const std::string_view ${CONSTANT};
const std::string_view ${CONSTANT}(reinterpret_cast<const char*>(kBytes), sizeof kBytes);
}  // namespace ${NAMESPACE}
")
