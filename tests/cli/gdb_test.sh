#!/bin/sh
# gdb_test.sh COMMAND PLANTED_PLAYER: the script that `--gdb` writes stops gdb in the core's function of the deciding call,
# on whosever thread that is made, and where a core crashes (planted_core.c) there.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export VDI_DIALECT=

if ! gdb --batch -ex run --args true 2>&1 | grep -q 'exited normally'; then
    echo "skipped: there is no gdb that can run a program"
    exit 77
fi

mkdir -p planted/bin planted/libexec/vdifault 'a folder'
cp "$1" planted/bin/vdifault
cp "$2" planted/libexec/vdifault/play_sim

# expect FILE PATTERN...: gdb with the script of the file says each of them.
expect() {
    gdb --batch -x "$1" >said 2>&1 </dev/null || { cat "$1" said; exit 1; }
    shift
    for pattern; do
        grep -qe "$pattern" said || { echo "expected '$pattern' of"; cat ./*.gdb said; exit 1; }
    done
}

session='client Create(set)
client.2 GetConfiguration(timeout forever) ...
server Open(set)
server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)
server NameDevice(0)
server EndConfiguration()
client.2 ... GetConfiguration
client OpenDevice(0)'

# A call that was begun is stopped at on its own thread, where it is begun.
printf '%s -> VD_E_OPEN\n' "${session%?client OpenDevice(0)}" >begun
"$1" replay --gdb begun.gdb begun >/dev/null || [ $? -eq 1 ]
expect begun.gdb '^line 2: client.2 GetConfiguration(timeout forever) \.\.\.$' '^#0 .*client_set_get_configuration ('

printf '%s\n' "$session" 'client Close() -> NOERROR' >'a folder/session'
"$1" minimize --output 'a folder/smallest' --gdb close.gdb 'a folder/session' >/dev/null
expect close.gdb '^line 8: client Close() ' '^#0 .*client_set_close ('

printf '%s\n' 'client Create(set)' 'server QueryAvailableBuffers(size 512)' >crash
planted/bin/vdifault replay --gdb crash.gdb crash >/dev/null 2>&1 || [ $? -eq 1 ]
expect crash.gdb '^line 2: server QueryAvailableBuffers(size 512)$' 'SIGABRT' '^#[0-9]* .*__wrap_server_set_query_available_buffers ('

# By hand the player says what came of it.
planted/libexec/vdifault/play_sim 'a folder/session' >said
grep -qx 'as the model allows' said
if planted/libexec/vdifault/play_sim no-such-file 2>said; then
    exit 1
fi
grep -q "'no-such-file': No such file or directory" said
