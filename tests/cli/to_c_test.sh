#!/bin/sh
# to_c_test.sh CMAKE BUILD_DIR CC PLANTED_PLAYER PLANTED_LIBRARY: what `vdifault minimize --to-c` writes builds against the
# installed libvdifault-play alone, fails with the sentence of the finding as long as the core has the bug, and passes
# with the core as it is. The bugs are those of planted_core.c, put into an installation of its own.
set -eu
cmake=$1
build=$2
cc=$3
planted_player=$4
planted_library=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$cmake" --install "$build" --prefix "$work/good" >/dev/null
cp -r good planted
cp "$planted_player" planted/libexec/vdifault/play_sim
cp "$planted_library" planted/lib/libvdifault-play.so

open='devices 1
client Create(set)
client.2 GetConfiguration(timeout forever) ...
server Open(set)
server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)
server NameDevice(0)
server EndConfiguration()
client.2 ... GetConfiguration
client OpenDevice(0)
server OpenDevice()'

die() {
    echo "$1"
    shift
    for file; do
        echo "--- $file"
        cat "$file"
    done
    exit 1
}

flags() { PKG_CONFIG_PATH="$1/lib/pkgconfig" pkg-config --cflags --libs vdifault-play cmocka; }

# build NAME: against the planted installation, by the build's compiler; any other one must take it, too.
build() {
    $cc -std=c17 -Wall -Wextra -Werror "$1.c" $(flags "$work/planted") -o "$1"
    for other in gcc clang; do
        if command -v $other >/dev/null; then
            $other -std=c17 -Wall -Wextra -Werror -Wshadow -c "$1.c" -I"$work/planted/include" -o /dev/null
        fi
    done
}

# expect VERB NAME STATUS WHAT LINES...: the verb on the lines gives the finding WHAT; its test ends with STATUS (of a
# signal: 128 + N) and, if it can, the finding's sentence, and with 0 once the core is right.
expect() {
    verb=$1 name=$2 expected=$3 what=$4
    shift 4
    printf '%s\n' "$@" >"$name.scenario"
    planted/bin/vdifault "$verb" --to-c "$name.c" "$name.scenario" >"$name.said" 2>&1 || [ $? -eq 1 ] || die "$verb" "$name.said"
    sentence=$(sed -n "s/^error ($what) //p" "$name.said")
    [ -n "$sentence" ] || die "no finding ($what)" "$name.said"
    tr '\n' ' ' <"$name.c" | sed 's/ [ *]*/ /g' | grep -qF "$sentence" || die "the test does not say: $sentence" "$name.c"
    build "$name"
    status=0
    (exec "./$name") >"$name.out" 2>&1 || status=$?
    [ "$status" -eq "$expected" ] || die "expected status $expected, got $status" "$name.c" "$name.out"
    if [ "$expected" -eq 1 ]; then
        grep -qF "$sentence" "$name.out" || die "it does not fail with: $sentence" "$name.c" "$name.out"
    fi
    LD_LIBRARY_PATH=$work/good/lib "./$name" >"$name.out" 2>&1 || die "it fails without the bug" "$name.c" "$name.out"
}

expect minimize deviation 1 'not allowed' "$open" 'server CloseDevice(0)' 'server Wait(timeout 3)' 'server CloseDevice(0)'
expect replay deviation_whole 1 'not allowed' "$open" 'client GetCommand(0, timeout forever) ...' 'server CloseDevice(0)' \
    'client ... GetCommand' 'server CloseDevice(0)'
expect minimize crash 134 'crash' "$open" 'server QueryAvailableBuffers(size 512)'
expect minimize endless 142 'endless' 'server IsSharedBuffer(foreign)'

# What a scenario expects and the core never gives has no core in which it passes.
printf '%s\n' "$open" 'client Close() -> NOERROR' >expected.scenario
good/bin/vdifault minimize --to-c expected.c expected.scenario >/dev/null 2>&1
build expected
if ./expected >expected.out 2>&1; then
    die "it passes" expected.c expected.out
fi
grep -q 'client Close(): it gave VD_E_OPEN; the scenario expects NOERROR' expected.out || die "another failure" expected.out
