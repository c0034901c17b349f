# Two MPIs in one program link without a murmur and crash or hang when it runs. So the libraries are asked which MPI
# they were linked with. Open MPI is libmpi.so.40 (.20 and .12 long ago); MPICH and all that keep its binary interface
# (Intel MPI, MVAPICH, Cray) are libmpi*.so.12 or libmpich.so.12 and may be mixed among themselves.

# the C libraries of MPI among a program's needs, as ldd prints them; empty for a static library
function(fen_mpi_of_library library result)
  set(names "")
  execute_process(COMMAND ${FEN_LDD} ${library} OUTPUT_VARIABLE needs ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(vendor "_(cray|gnu|intel|amd|aocc|nvidia|pgi)[_0-9]*")
    string(REGEX MATCHALL "lib(mpi|mpich|mpi${vendor})\\.so\\.[0-9]+" names "${needs}")
    list(REMOVE_DUPLICATES names)
  endif()
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# libmpi.so.40 -> "Open MPI (libmpi.so.40)"
function(fen_mpi_family names result)
  set(families "")
  foreach(name IN LISTS names)
    if(name MATCHES "^libmpi\\.so\\.(40|20)$")
      list(APPEND families "Open MPI (${name})")
    elseif(name MATCHES "\\.so\\.12$")
      list(APPEND families "MPICH's interface (${name})")
    else()
      list(APPEND families "an unknown MPI (${name})")
    endif()
  endforeach()
  list(JOIN families " and " text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# what the MPI compiler itself links a program with
function(fen_mpi_of_compiler result)
  set(program ${CMAKE_BINARY_DIR}/CMakeFiles/fen_mpi_of_compiler)
  file(WRITE ${program}.c
    "#include <mpi.h>\nint main(int c, char **v)\n{\n  return MPI_Init(&c, &v) || MPI_Finalize();\n}\n")
  try_compile(linked ${CMAKE_BINARY_DIR}/CMakeFiles/fen_mpi ${program}.c LINK_LIBRARIES MPI::MPI_C
    OUTPUT_VARIABLE log COPY_FILE ${program})
  if(NOT linked)
    message(FATAL_ERROR "A one-line MPI program does not link with the MPI compiler ${MPI_C_COMPILER}:\n${log}")
  endif()
  fen_mpi_of_library(${program} names)
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# fen_check_same_mpi(name prefix ...): prefix is that of pkg_check_modules
function(fen_check_same_mpi)
  find_program(FEN_LDD ldd)
  mark_as_advanced(FEN_LDD)
  if(CMAKE_CROSSCOMPILING OR NOT FEN_LDD)
    message(STATUS "MPI of the libraries not checked: no ldd for the target system")
    return()
  endif()
  fen_mpi_of_compiler(compiler)
  fen_mpi_family("${compiler}" compiler_text)
  string(REGEX REPLACE "lib[a-z_0-9]*\\.so\\." "" compiler_abi "${compiler}")
  set(seen "")
  while(ARGV)
    list(POP_FRONT ARGV name prefix)
    set(names "")
    foreach(library IN LISTS ${prefix}_LINK_LIBRARIES)
      if(EXISTS "${library}" AND NOT library MATCHES "/lib(mpi|mpich)[^/]*$") # MPI itself says nothing about its user
        fen_mpi_of_library(${library} found)
        list(APPEND names ${found})
      endif()
    endforeach()
    list(REMOVE_DUPLICATES names)
    fen_mpi_family("${names}" text)
    string(REGEX REPLACE "lib[a-z_0-9]*\\.so\\." "" abi "${names}")
    list(REMOVE_DUPLICATES abi)
    if(names AND compiler AND NOT abi STREQUAL compiler_abi)
      message(FATAL_ERROR "${name} (pkg-config module ${${prefix}_MODULE_NAME}) was built with ${text}, but the MPI "
        "compiler ${MPI_C_COMPILER} uses ${compiler_text}. All of PETSc, HDF5 and ScaLAPACK must use the MPI of the "
        "compiler: choose others with -DFEN_PETSC_MODULE, -DFEN_HDF5_MODULE and -DFEN_SCALAPACK_MODULE, or another "
        "compiler with -DMPI_C_COMPILER.")
    elseif(NOT names)
      message(STATUS "MPI of ${name} not checked: it is a static library or links none")
    else()
      list(APPEND seen ${name})
    endif()
  endwhile()
  list(JOIN seen ", " seen)
  message(STATUS "One MPI for the compiler, ${seen}: ${compiler_text}")
endfunction()

# HDF5 says in its own header whether it was built with MPI
function(fen_check_hdf5_parallel)
  set(source ${CMAKE_BINARY_DIR}/CMakeFiles/fen_hdf5_parallel.c)
  file(WRITE ${source} "#include <hdf5.h>\n#ifndef H5_HAVE_PARALLEL\n#error this HDF5 is serial\n#endif\n"
    "int main(void)\n{\n  return 0;\n}\n")
  try_compile(parallel ${CMAKE_BINARY_DIR}/CMakeFiles/fen_hdf5 ${source}
    LINK_LIBRARIES PkgConfig::fenchel_hdf5 MPI::MPI_C OUTPUT_VARIABLE log)
  if(parallel)
    return()
  endif()
  if(log MATCHES "this HDF5 is serial")
    message(FATAL_ERROR "HDF5 (pkg-config module ${FEN_HDF5_MODULE}) was built without MPI. Fenchel reads and writes "
      "in parallel: choose a parallel HDF5 with -DFEN_HDF5_MODULE, on Debian hdf5-openmpi from libhdf5-openmpi-dev.")
  endif()
  message(FATAL_ERROR "A program with hdf5.h does not compile or link (pkg-config module ${FEN_HDF5_MODULE}):\n${log}")
endfunction()
