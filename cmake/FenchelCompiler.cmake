# Flags that every Fenchel source is compiled with.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # POSIX names, vector types of GCC and Clang
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

option(FEN_WERROR "treat warnings as errors" ON)
set(FEN_SANITIZE "" CACHE STRING "sanitizers, for example address,undefined")

add_library(fenchel_flags INTERFACE)
target_compile_definitions(fenchel_flags INTERFACE _GNU_SOURCE)
# hot kernels are compiled once for each instruction set of the processor's family; see comm/sys/simd.c
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(FEN_X86_KERNELS ON)
  target_compile_definitions(fenchel_flags INTERFACE FEN_HAVE_X86_KERNELS)
endif()
target_compile_options(fenchel_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wvla -Wmissing-prototypes -Wformat=2
  -ffp-contract=off -fstack-protector-strong)
if(FEN_WERROR AND NOT FEN_SANITIZE) # what sanitizers add makes GCC warn of what cannot be
  target_compile_options(fenchel_flags INTERFACE -Werror)
endif()
if(FEN_SANITIZE)
  target_compile_options(fenchel_flags INTERFACE -fsanitize=${FEN_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(fenchel_flags INTERFACE -fsanitize=${FEN_SANITIZE})
endif()
