# What `cmake --install` puts down: the tools, and the runtime as a library with its public headers. A project that
# embeds qrun links qrun::runtime, from an installation (find_package(qrun)) or from the sources (add_subdirectory).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(qrun::runtime ALIAS qrun_runtime)
set_target_properties(qrun_runtime PROPERTIES EXPORT_NAME runtime)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/qrun)
install(TARGETS qrun_runtime qrun_file qrun_kernels qrun_schema qrun_onednn qrun_compile_flags EXPORT qrun
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT qrun NAMESPACE qrun:: FILE qrunTargets.cmake DESTINATION ${package_dir})
install(FILES runtime/qrun.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qrun/runtime)
install(FILES schema/status.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qrun/schema)
configure_package_config_file(cmake/qrunConfig.cmake.in ${PROJECT_BINARY_DIR}/qrunConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qrunConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/qrunConfig.cmake ${PROJECT_BINARY_DIR}/qrunConfigVersion.cmake
        DESTINATION ${package_dir})

set(tools qrun qinspect)
if(TARGET qconvert)
  list(APPEND tools qconvert)
endif()
install(TARGETS ${tools} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
