# A layer is an object library that sees the headers of the layers it may include and no others.
#   fen_add_layer(NAME name SOURCES ... HEADERS public headers... DIRS include folders... USES layers...
#                 LIBRARIES imported targets...)
function(fen_add_layer)
  cmake_parse_arguments(L "" "NAME" "SOURCES;HEADERS;DIRS;USES;LIBRARIES" ${ARGN})
  add_library(fenchel_${L_NAME} OBJECT ${L_SOURCES})
  list(TRANSFORM L_DIRS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(TRANSFORM L_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  target_include_directories(fenchel_${L_NAME} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${L_DIRS})
  foreach(layer IN LISTS L_USES)
    target_include_directories(fenchel_${L_NAME} PRIVATE # not passed on: a user names what it sees
      $<TARGET_PROPERTY:fenchel_${layer},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
  target_link_libraries(fenchel_${L_NAME} PRIVATE fenchel_flags ${L_LIBRARIES}
    PUBLIC PkgConfig::fenchel_petsc MPI::MPI_C)
  set_target_properties(fenchel_${L_NAME} PROPERTIES FEN_HEADERS "${L_HEADERS}" FEN_LIBRARIES "${L_LIBRARIES}")
endfunction()

# One shared (or static) library out of all layers; users see the public headers only
function(fen_add_library name)
  add_library(${name})
  add_library(Fenchel::${name} ALIAS ${name})
  foreach(layer IN LISTS ARGN)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:fenchel_${layer}>)
    get_target_property(headers fenchel_${layer} FEN_HEADERS)
    get_target_property(libraries fenchel_${layer} FEN_LIBRARIES)
    set_property(TARGET ${name} APPEND PROPERTY FEN_HEADERS ${headers})
    target_include_directories(${name} PUBLIC
      $<BUILD_INTERFACE:$<TARGET_PROPERTY:fenchel_${layer},INTERFACE_INCLUDE_DIRECTORIES>>)
    target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:fenchel_flags> ${libraries})
  endforeach()
  target_link_libraries(${name} PUBLIC PkgConfig::fenchel_petsc MPI::MPI_C PRIVATE m)
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now)
  if(NOT FEN_SANITIZE) # Clang leaves the sanitizer's own symbols to the program
    target_link_options(${name} PRIVATE -Wl,--no-undefined)
  endif()
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION 0
    INSTALL_RPATH "$ORIGIN")
endfunction()

# fen_kernels(VARIABLE PREFIX...): sources of hot kernels, which are compiled once for each instruction set and chosen
# when the program starts (comm/sys/simd.c). PREFIXs.c chooses, PREFIX_portable.c, _avx2.c and _avx512.c are compiled.
# Fused multiply-adds belong to the kernels; everything else is compiled without contraction, see FenchelCompiler.cmake.
function(fen_kernels variable)
  foreach(prefix IN LISTS ARGN)
    list(APPEND sources ${prefix}s.c ${prefix}_portable.c)
    if(FEN_X86_KERNELS)
      list(APPEND sources ${prefix}_avx2.c ${prefix}_avx512.c)
      set_property(SOURCE ${prefix}_avx2.c APPEND PROPERTY COMPILE_OPTIONS -mavx2 -mfma)
      set_property(SOURCE ${prefix}_avx512.c APPEND PROPERTY COMPILE_OPTIONS -mavx512f -mavx512dq)
    endif()
  endforeach()
  set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS -O3 -ffp-contract=fast)
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()
