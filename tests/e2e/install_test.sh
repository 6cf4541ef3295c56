#!/bin/sh
# install_test.sh CMAKE BUILD_DIR SOURCE_DIR: what `cmake --install` gives is complete and can be moved. A client is
# built against the installed headers and library alone and wrapped by the installed, then moved, command.
set -eu
cmake=$1
build=$2
source=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/second place"
root="$work/second place"

for part in bin/vdifault lib/libsqlvdi.so lib/libvdifault.so lib/libvdifault-sys.so include/vdi.h include/vdierror.h include/vdifault_play.h lib/libvdifault-play.so lib/pkgconfig/vdifault-play.pc libexec/vdifault/sqlcmd libexec/vdifault/play_sim libexec/vdifault/play_shm libexec/vdifault/play_preload; do
    [ -e "$root/$part" ] || { echo "not installed: $part"; exit 1; }
done

g++ -Wall -Wextra -Werror -I"$root/include" "$source/tests/clients/sdk_style.cpp" -L"$root/lib" -lsqlvdi -o "$work/client"
"$root/bin/vdifault" run -- "$work/client" backup sales '{run}/sales.bak' >"$work/clean" || { cat "$work/clean"; exit 1; }
status=0
"$root/bin/vdifault" run --fault 'abort@Write#3' -- "$work/client" backup sales '{run}/sales.bak' >"$work/fault" || status=$?
grep -q 'abort@Write#3, fired 1' "$work/fault" || { echo "the fault did not fire (exit status $status)"; cat "$work/fault"; exit 1; }
