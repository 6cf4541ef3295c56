#!/bin/sh
# installed_test.sh CMAKE BUILD_DIR SOURCE_DIR VDIFAULT SANITIZERS: a client is built against what is installed of the
# library, found faulty, and its plan becomes, by one command, a smaller plan and a C test. The test fails with the same
# rule, and passes for a client without the bug; the plan does the same to the fuzzer's program.
set -eu
cmake=$1
build=$2
source=$3
vdifault=$4
sanitizers=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/place"

"$cmake" -DCMAKE_INSTALL_PREFIX="$root" -P "$build/fuzz/client/cmake_install.cmake" >/dev/null
cp "$source/src/include/vdi.h" "$source/src/include/vdierror.h" "$root/include"
cp "$source"/fuzz/clients/*.c "$source"/fuzz/clients/*.h "$work"
cd "$work"

cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(client LANGUAGES C)
find_package(vdifault REQUIRED)
vdifault_client_fuzzer(hasty SOURCES backup.c hasty.c)
END
"$cmake" -S . -B made -DCMAKE_PREFIX_PATH="$root" >log 2>&1 || { cat log; exit 1; }
"$cmake" --build made >log 2>&1 || { cat log; exit 1; }

. "$source/tests/client_fuzzer/expect.sh"

expect 0 'examples:' made/hasty_replay --help
expect 2 'nothing to run' made/hasty_replay
expect 2 "'-runs=many': expected" made/hasty_replay -runs=many
expect 2 "'--show': expected" made/hasty_replay --show
expect 2 'expected one of --show' made/hasty_replay --show one --text two
expect 2 'expected one FILE' made/hasty_replay --show one two
expect 2 'expected --minimize FILE' made/hasty_replay --output smallest.plan
expect 2 "'no-such': No such file" made/hasty_replay no-such
mkdir none
expect 0 '^0 sessions' made/hasty_replay none

printf 'fault abort@Write#30\nfault late-failure\nserver seed 9\nserver late-buffers yes\n' >found.plan
expect 1 'error VDI-OUT-001' made/hasty_replay -runs=5000
expect 1 'VDI-OUT-001' made/hasty_replay found.plan
expect 0 '1 of 2 faults are left' "$vdifault" minimize --client made/hasty_replay --output smallest.plan --to-c test.c found.plan
expect 0 '^fault late-failure$' cat smallest.plan
expect 0 '1 of 2 faults are left' "$vdifault" minimize --client=made/hasty_replay --output=again.plan found.plan
expect 0 '^fault late-failure$' cat again.plan
expect 2 '0 files given' "$vdifault" minimize --client made/hasty_replay --output again.plan
expect 2 '2 files given' "$vdifault" minimize --client made/hasty_replay found.plan again.plan
expect 3 "'true' does not minimize" "$vdifault" minimize --client true found.plan
expect 3 "cannot start './no-such'" "$vdifault" minimize --client ./no-such found.plan
expect 2 "'no-such': No such file" "$vdifault" minimize --client made/hasty_replay no-such
: >empty
expect 3 'gives no finding' "$vdifault" minimize --client made/hasty_replay empty
expect 3 "cannot write 'no/such.plan'" "$vdifault" minimize --client made/hasty_replay --output no/such.plan found.plan
expect 1 'VDI-OUT-001' made/hasty_replay --show smallest.plan

export PKG_CONFIG_PATH="$root/lib/pkgconfig"
flags=$(pkg-config --cflags --libs vdifault-client)
[ -z "$sanitizers" ] || flags="$flags -fsanitize=$sanitizers"
for client in hasty careful; do
    # shellcheck disable=SC2086 # words
    cc -std=c17 -D_GNU_SOURCE -Wall -Werror test.c backup.c $client.c $flags -lcmocka -o ${client}_test
done
expect 1 'VDI-OUT-001' ./hasty_test
expect 0 'PASSED' ./careful_test

# Whoever ends a fuzzer ends it where it stands: its folder goes all the same.
cat >aborts.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <vdifault.h>
int vdifault_client(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/file", folder);
    if (fopen(path, "w") == NULL) {
        return 1;
    }
    abort();
}
END
# shellcheck disable=SC2086 # words
cc -std=c17 -D_GNU_SOURCE aborts.c "$root/share/vdifault/client_main.c" $flags -o aborts_replay
mkdir folders
expect 134 '' env TMPDIR="$work/folders" ./aborts_replay -runs=1
expect 1 'empty: Aborted' env TMPDIR="$work/folders" ./aborts_replay empty
left=100
while [ -n "$(ls folders)" ] && [ $((left -= 1)) -gt 0 ]; do
    sleep 0.1
done
rmdir folders
