# How targets of this project are built: warnings, sanitizers, tests.
#
# VDIFAULT_SANITIZE (a preset's choice: "address,undefined", "thread") applies to tools, static libraries and tests.
# It never applies to what is loaded into other people's processes: libsqlvdi.so and libvdifault.so must load into
# any client, /bin/sh included.

set(VDIFAULT_SANITIZE "" CACHE STRING "Sanitizers for tools and tests, as -fsanitize= takes them")

option(VDIFAULT_COVERAGE "Count what tools, static libraries and tests execute (clang); see ci/coverage" OFF)

# VDIFAULT_FUZZ: which engine the fuzz targets are built for, besides their replay programs. "libfuzzer" (clang) and
# "afl" (afl-clang-fast) are the presets `fuzz` and `afl`; "external": by $LIB_FUZZING_ENGINE when it is linked and by
# the caller's CFLAGS when it is compiled, as OSS-Fuzz does.
set(VDIFAULT_FUZZ "" CACHE STRING "Engine of the fuzz targets: libfuzzer, afl, external, or none")
set_property(CACHE VDIFAULT_FUZZ PROPERTY STRINGS "" libfuzzer afl external)

set(VDIFAULT_WARNINGS -Wall -Wextra -Werror -Wshadow -Wvla)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND VDIFAULT_WARNINGS -Wno-format-truncation)  # messages are cut to their buffers on purpose
endif()
if(VDIFAULT_FUZZ STREQUAL "external")
  list(APPEND VDIFAULT_WARNINGS -Wno-error)  # the caller's compiler may warn of what ours do not
endif()

function(_vdifault_common target)
  target_compile_options(${target} PRIVATE ${VDIFAULT_WARNINGS}
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_include_directories(${target} PRIVATE
    ${PROJECT_SOURCE_DIR}/src/include ${PROJECT_SOURCE_DIR}/src/os ${PROJECT_SOURCE_DIR}/src/core
    ${PROJECT_SOURCE_DIR}/src/scenario ${PROJECT_SOURCE_DIR}/src/rules ${PROJECT_SOURCE_DIR}/src/report
    ${PROJECT_SOURCE_DIR}/src/sqlserver/tsql ${PROJECT_SOURCE_DIR}/src/sqlserver/engine)
  target_link_libraries(${target} PRIVATE Threads::Threads)
endfunction()

function(_vdifault_sanitize target)
  if(VDIFAULT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${VDIFAULT_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${VDIFAULT_SANITIZE})
  endif()
  if(VDIFAULT_COVERAGE)
    # Counters live in the profile's file (%c in its name, ci/coverage), so that what a process did before _exit or a
    # signal counts.
    target_compile_options(${target} PRIVATE -fprofile-instr-generate -fcoverage-mapping
      "SHELL:-mllvm -runtime-counter-relocation" $<$<COMPILE_LANGUAGE:C>:-I${PROJECT_SOURCE_DIR}/cmake/coverage>)
    target_link_options(${target} PUBLIC -fprofile-instr-generate)
  endif()
  if(VDIFAULT_FUZZ STREQUAL "libfuzzer") # an engine sees only what tells it where the program goes
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# vdifault_library(name source...): a static library of the project's own tools.
function(vdifault_library target)
  add_library(${target} STATIC ${ARGN})
  _vdifault_common(${target})
  _vdifault_sanitize(${target})
endfunction()

# vdifault_executable(name source...): a tool.
function(vdifault_executable target)
  add_executable(${target} ${ARGN})
  _vdifault_common(${target})
  _vdifault_sanitize(${target})
endfunction()

# vdifault_preload(name source...): a shared library that other people's processes load. No sanitizers, no SONAME
# version, nothing exported but what the version script names.
function(vdifault_preload target script)
  add_library(${target} SHARED ${ARGN})
  _vdifault_common(${target})
  target_link_options(${target} PRIVATE -Wl,--version-script=${script} -Wl,--no-undefined -Wl,-z,now)
  set_target_properties(${target} PROPERTIES LINK_DEPENDS ${script})
endfunction()

# vdifault_test(name [LIBS lib...] SOURCES source...): a cmocka program, run by CTest with a deadline.
function(vdifault_test target)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 600) # for a hang: nothing that works takes so long, however busy the machine
  endif()
  if(VDIFAULT_COVERAGE) # counting takes its time
    math(EXPR T_TIMEOUT "4 * ${T_TIMEOUT}")
  endif()
  add_executable(${target} ${T_SOURCES})
  _vdifault_common(${target})
  _vdifault_sanitize(${target})
  target_link_libraries(${target} PRIVATE ${T_LIBS} cmocka)
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES TIMEOUT ${T_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()
