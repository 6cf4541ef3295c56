#!/bin/sh
# engine_test.sh CMAKE BUILD_DIR SOURCE_DIR VDIFAULT SANITIZERS: libFuzzer's own handlers of signals, which run in the
# middle of a session: an alarm in time is no find, a client without end and one that aborts are.
set -eu
cmake=$1
build=$2
source=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/place"

"$cmake" -DCMAKE_INSTALL_PREFIX="$root" -P "$build/fuzz/client/cmake_install.cmake" >/dev/null
cd "$work"
. "$source/tests/client_fuzzer/expect.sh"

cat >client.c <<'END'
#include <signal.h>
#include <stdlib.h>
#include <vdifault.h>
int __real_kill(pid_t process, int signal);
pid_t __real_getpid(void);
int vdifault_client(const char *folder)
{
    switch (ENDING) {
    case 1:
        __real_kill(__real_getpid(), SIGALRM);
        break;
    case 2:
        for (volatile unsigned i = 0;; i++) {
        }
    case 3:
        abort();
    }
    return folder != NULL;
}
END
export PKG_CONFIG_PATH="$root/lib/pkgconfig"
flags="$(pkg-config --cflags --libs vdifault-client) -fsanitize=fuzzer"
for sanitizer in '' ,address; do
    for ending in 1 2 3; do
        # shellcheck disable=SC2086 # words
        clang -g -w -DENDING=$ending client.c $flags$sanitizer -o ends_$ending
    done
    expect 0 '^Done 100 runs' ./ends_1 -runs=100
    expect 70 'libFuzzer: timeout after' ./ends_2 -timeout=1 -runs=100
    expect 77 'deadly signal' ./ends_3 -runs=100
done
