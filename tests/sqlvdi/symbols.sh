#!/bin/sh
# symbols.sh LIBRARY LIST: the library exports exactly the listed symbols (spec 3.1), is named libsqlvdi.so and
# needs libc only.
set -eu
library=$1
list=$2
actual=$(nm -D --defined-only "$library" | awk '{print $3}' | LC_ALL=C sort)
if [ "$actual" != "$(LC_ALL=C sort "$list")" ]; then
    echo "exported symbols differ from $list:"
    echo "$actual" | LC_ALL=C diff - "$list" || true
    exit 1
fi
readelf -d "$library" | grep -q 'SONAME.*\[libsqlvdi\.so\]' || { echo "SONAME is not libsqlvdi.so"; exit 1; }
others=$(readelf -d "$library" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^libc\.so\|^ld-linux' || true)
[ -z "$others" ] || { echo "needs more than libc: $others"; exit 1; }
