#!/bin/sh
# cxx_test.sh CMAKE BUILD_DIR SOURCE_DIR VDIFAULT SANITIZERS: a client in C++ whose threads are std::thread's, with its
# library shared and linked statically.
set -eu
cmake=$1
build=$2
source=$3
sanitizers=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/place"

"$cmake" -DCMAKE_INSTALL_PREFIX="$root" -P "$build/fuzz/client/cmake_install.cmake" >/dev/null
cd "$work"
. "$source/tests/client_fuzzer/expect.sh"

export PKG_CONFIG_PATH="$root/lib/pkgconfig"
flags=$(pkg-config --cflags --libs vdifault-client)
[ -z "$sanitizers" ] || flags="$flags -fsanitize=$sanitizers"
cc -c -I"$root/include" "$root/share/vdifault/client_main.c" -o main.o
: >empty
for how in -shared-libgcc -static-libstdc++; do
    # shellcheck disable=SC2086 # words
    c++ -g -std=c++17 -Wall -Werror "$source/tests/client_fuzzer/threads.cc" main.o $flags $how -o threads
    expect 0 'empty: clean' timeout 60 ./threads empty
    expect 0 '20 sessions' timeout 60 ./threads -runs=20
done

# A project without C gets no program that lacks main().
mkdir alone
cat >alone/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(client LANGUAGES CXX)
find_package(vdifault REQUIRED)
vdifault_client_fuzzer(threads SOURCES threads.cc)
END
expect 1 'needs the language C beside' "$cmake" -S alone -B alone/made -DCMAKE_PREFIX_PATH="$root"
