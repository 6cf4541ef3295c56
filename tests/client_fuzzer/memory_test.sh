#!/bin/sh
# memory_test.sh CMAKE BUILD_DIR SOURCE_DIR VDIFAULT SANITIZERS: bugs in a client's memory are told apart by what
# AddressSanitizer says of them and by their place in the client, and a plan that is made smaller shows the same one.
set -eu
cmake=$1
build=$2
source=$3
vdifault=$4
sanitizers=${5:-address}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/place"

"$cmake" -DCMAKE_INSTALL_PREFIX="$root" -P "$build/fuzz/client/cmake_install.cmake" >/dev/null
cp "$source/src/include/vdi.h" "$source/src/include/vdierror.h" "$root/include"
cp "$source/fuzz/clients/backup.c" "$source/fuzz/clients/backup.h" "$source/fuzz/clients/careful.c" "$source"/tests/client_fuzzer/*.c "$work"
cd "$work"
. "$source/tests/client_fuzzer/expect.sh"

export PKG_CONFIG_PATH="$root/lib/pkgconfig"
make() { # NAME SOURCE...
    name=$1
    shift
    # shellcheck disable=SC2046 # words
    cc -g -std=c17 -D_GNU_SOURCE -Wall -Werror -fsanitize="$sanitizers" "$@" "$root/share/vdifault/client_main.c" \
        $(pkg-config --cflags --libs vdifault-client) -o "$name"
}
line() { # WORDS FILE
    grep -n -m1 -F -e "$1" "$2" | cut -d: -f1
}

make memory memory.c backup.c
: >empty.plan
printf 'fault abort@Write#2\nfault late-failure\nserver late-buffers yes\n' >freed.plan
printf 'fault late-failure\n' >written.plan
freed="heap-use-after-free in note_abort memory.c:$(line 'return reason' memory.c)"
written="heap-buffer-overflow in note_failure memory.c:$(line 'memset(' memory.c)"
expect 1 "^freed.plan: $freed\$" ./memory freed.plan
expect 1 'ERROR: AddressSanitizer' ./memory freed.plan
expect 1 "^written.plan: $written\$" ./memory written.plan
expect 0 "^$freed\$" "$vdifault" minimize --client ./memory --output smallest.plan --to-c test.c freed.plan
expect 1 "^smallest.plan: $freed\$" ./memory smallest.plan
expect 0 '^1$' grep -c '^fault' smallest.plan
expect 0 "^/. $freed" cat test.c

# A buffer that was given back. The client's own accesses, before, are not seen.
sed -e '1i static unsigned char sum[64];' \
    -e 's/^\( *\)\(ending->device = vdi_device_complete_command\)/\1const unsigned char *data = command->buffer;\n\1\2/' \
    -e '/vdi_device_complete_command/a memcpy(sum, done > 0 ? data : sum + 32, 32);' backup.c >late.c
make late late.c careful.c
expect 1 "^empty.plan: use-after-poison in serve late.c:$(line 'memcpy(sum' late.c)\$" ./late empty.plan
expect 1 'gave back with CompleteCommand (VDI-BUF-001)' ./late empty.plan
make careful backup.c careful.c
expect 0 '^500 sessions' ./careful -runs=500
