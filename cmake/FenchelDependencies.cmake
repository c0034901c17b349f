# Finds what Fenchel stands on, through pkg-config, and refuses libraries that were built with different MPIs.
find_package(PkgConfig REQUIRED)

# Debian can hold several MPIs side by side; `mpicc` is then whichever was chosen last. Its parallel libraries that we
# ask for are Open MPI's, so that compiler is asked for by its full name unless the user named one.
if(NOT DEFINED MPI_C_COMPILER AND NOT DEFINED ENV{MPICC})
  find_program(FEN_MPICC NAMES mpicc.openmpi DOC "Open MPI's compiler under its unambiguous Debian name")
  mark_as_advanced(FEN_MPICC)
  if(FEN_MPICC)
    set(MPI_C_COMPILER ${FEN_MPICC} CACHE FILEPATH "MPI compiler for C")
  endif()
elseif(NOT DEFINED MPI_C_COMPILER)
  set(MPI_C_COMPILER $ENV{MPICC} CACHE FILEPATH "MPI compiler for C")
endif()
find_package(MPI 3.0 REQUIRED COMPONENTS C)

set(FEN_PETSC_MODULE "PETSc" CACHE STRING "pkg-config module of PETSc: PETSc, or PETSc64 for 64-bit PetscInt")
set(FEN_HDF5_MODULE "hdf5-openmpi" CACHE STRING "pkg-config module of parallel HDF5")
set(FEN_SCALAPACK_MODULE "scalapack-openmpi" CACHE STRING "pkg-config module of ScaLAPACK")

# Debian may keep a second PETSc outside pkg-config's default path. Its folder also holds a PETSc.pc, so it is searched
# only for a module that is found nowhere else.
execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --exists ${FEN_PETSC_MODULE} RESULT_VARIABLE missing)
if(missing)
  file(GLOB candidates /usr/lib/petscdir/*/*/lib/pkgconfig/${FEN_PETSC_MODULE}.pc)
  foreach(candidate IN LISTS candidates)
    cmake_path(GET candidate PARENT_PATH folder)
    set(ENV{PKG_CONFIG_PATH} "$ENV{PKG_CONFIG_PATH}:${folder}")
  endforeach()
endif()

pkg_check_modules(fenchel_petsc REQUIRED IMPORTED_TARGET ${FEN_PETSC_MODULE}>=3.18)
pkg_check_modules(fenchel_hdf5 REQUIRED IMPORTED_TARGET ${FEN_HDF5_MODULE})
pkg_check_modules(fenchel_scalapack REQUIRED IMPORTED_TARGET ${FEN_SCALAPACK_MODULE})
pkg_check_modules(fenchel_png REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(fenchel_netpbm REQUIRED IMPORTED_TARGET netpbm)
pkg_check_modules(fenchel_xxhash REQUIRED IMPORTED_TARGET libxxhash)

include(FenchelMPICheck)
fen_check_same_mpi(PETSc fenchel_petsc HDF5 fenchel_hdf5 ScaLAPACK fenchel_scalapack)
fen_check_hdf5_parallel()
