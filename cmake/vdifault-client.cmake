# Programs around a client of VDI in vdifault's simulation (vdifault.h). In the source tree and from an installed
# package: find_package(vdifault).

# What a package adds to the client's sources is C: without that language CMake would leave it out, and main() with it.
function(_vdifault_want_c who)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT "C" IN_LIST languages)
    message(FATAL_ERROR "${who} needs the language C beside the client's: project(NAME LANGUAGES C CXX)")
  endif()
endfunction()

# vdifault_client_fuzzer(name [ENGINE libfuzzer|afl|external] SOURCES source... [LIBS lib...]): the sources hold
# vdifault_client() and the client. NAME_replay runs inputs again, shows them and makes them small, with any compiler;
# with an ENGINE there is also NAME, for that: clang for libfuzzer, afl-clang-fast for afl, $LIB_FUZZING_ENGINE for
# external. The client is built for the engine's feedback; sanitizers are the caller's choice, by CMAKE_C_FLAGS and
# CMAKE_CXX_FLAGS.
function(vdifault_client_fuzzer name)
  _vdifault_want_c(vdifault_client_fuzzer)
  cmake_parse_arguments(C "" "ENGINE" "SOURCES;LIBS" ${ARGN})
  add_executable(${name}_replay ${C_SOURCES} ${VDIFAULT_CLIENT_MAIN})
  target_link_libraries(${name}_replay PRIVATE vdifault::client ${C_LIBS})
  if(NOT C_ENGINE)
    return()
  endif()
  add_executable(${name} ${C_SOURCES})
  target_link_libraries(${name} PRIVATE vdifault::client ${C_LIBS})
  if(C_ENGINE STREQUAL "libfuzzer")
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  elseif(C_ENGINE STREQUAL "afl")
    target_sources(${name} PRIVATE ${VDIFAULT_CLIENT_AFL})
  else()
    target_link_options(${name} PRIVATE $ENV{LIB_FUZZING_ENGINE})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  endif()
endfunction()

# vdifault_client_test(name SOURCES source... [LIBS lib...]): what `vdifault minimize --to-c` wrote, with the client.
function(vdifault_client_test name)
  _vdifault_want_c(vdifault_client_test)
  cmake_parse_arguments(C "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${C_SOURCES})
  target_link_libraries(${name} PRIVATE vdifault::client ${C_LIBS} cmocka)
endfunction()
