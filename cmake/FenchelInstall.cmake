# Installs headers, the library, the command, a CMake package and a pkg-config file.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Fenchel)

install(TARGETS fenchel EXPORT FenchelTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fenchel)
get_target_property(headers fenchel FEN_HEADERS)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fenchel)
install(FILES LICENSE README.md CHANGELOG.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR})

# ---- find_package(Fenchel) gives Fenchel::fenchel ----
install(EXPORT FenchelTargets NAMESPACE Fenchel:: DESTINATION ${package_dir})
configure_package_config_file(cmake/FenchelConfig.cmake.in ${CMAKE_BINARY_DIR}/FenchelConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/FenchelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/FenchelConfig.cmake ${CMAKE_BINARY_DIR}/FenchelConfigVersion.cmake
  DESTINATION ${package_dir})

# ---- pkg-config: public headers need PETSc and MPI; the rest is for static linking ----
foreach(dir IN LISTS MPI_C_INCLUDE_DIRS)
  string(APPEND FEN_PC_MPI_CFLAGS " -I${dir}")
endforeach()
list(JOIN MPI_C_LIBRARIES " " FEN_PC_MPI_LIBS)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE FEN_PC_LIBDIR)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE FEN_PC_INCLUDEDIR)
configure_file(cmake/fenchel.pc.in ${CMAKE_BINARY_DIR}/fenchel.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/fenchel.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
