# Reads kernels/isa_list.inc for CMake.

# Sets `out` to the list of "name|tag|compile flags" of the rows of `file` that the target architecture can have. Rows
# inside of the x86 section count only on x86-64; the rest count everywhere.
function(qrun_isa_rows out file)
  set(rows)
  set(in_x86_section FALSE)
  file(STRINGS ${file} lines)
  foreach(line IN LISTS lines)
    if(line MATCHES "^#if .*QRUN_ISA_LIST_X86")
      set(in_x86_section TRUE)
    elseif(line MATCHES "^#endif")
      set(in_x86_section FALSE)
    elseif(line MATCHES "^QRUN_ISA\\(([a-z0-9_]+), ([A-Za-z0-9]+), \"(.*)\"\\)$")
      set(row "${CMAKE_MATCH_1}|${CMAKE_MATCH_2}|${CMAKE_MATCH_3}")
      if(NOT in_x86_section OR CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
        list(APPEND rows "${row}")
      endif()
    endif()
  endforeach()
  set(${out} "${rows}" PARENT_SCOPE)
endfunction()
