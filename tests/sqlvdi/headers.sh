#!/bin/sh
# headers.sh INCLUDE_DIR SOURCE_DIR LIBRARY_DIR: the installed headers compile without a warning from C and C++, with
# every compiler at hand, and a C++ client links with -lsqlvdi.
set -eu
include=$1
source=$2
library=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tried=0
for compiler in g++ clang++; do
    command -v "$compiler" >/dev/null || continue
    for standard in c++11 c++17; do
        "$compiler" -std=$standard -Wall -Wextra -Werror -I"$include" "$source/cpp_client.cpp" -L"$library" -lsqlvdi \
            -o "$work/client"
        LD_LIBRARY_PATH=$library "$work/client"
        tried=$((tried + 1))
    done
done
for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || continue
    "$compiler" -std=c17 -Wall -Wextra -Wpedantic -Werror -I"$include" -fsyntax-only "$source/c_header.c"
    tried=$((tried + 1))
done
echo "$tried builds"
[ "$tried" -gt 0 ]
