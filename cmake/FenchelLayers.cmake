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
