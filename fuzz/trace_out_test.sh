# What the fuzzers write where VDIFAULT_TRACE asks for it: the same events as a replay, and a trace to the command.
# usage: sh -e trace_out_test.sh VDIFAULT LIFECYCLE_FUZZER_REPLAY SCHEDULE_FUZZER_REPLAY PEER_FUZZER_REPLAY CORPUS
vdifault=$1 lifecycle=$2 schedule=$3 peer=$4 corpus=$5
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for name in session-of-three-threads timeouts; do
    VDIFAULT_TRACE=$folder/fuzzer.vdt "$lifecycle" "$corpus/lifecycle_fuzzer/$name" >/dev/null
    "$vdifault" replay --trace "$folder/replay.vdt" "$corpus/lifecycle_fuzzer/$name" >/dev/null
    "$vdifault" trace --format json "$folder/fuzzer.vdt" >"$folder/fuzzer.json"
    "$vdifault" trace --format json "$folder/replay.vdt" >"$folder/replay.json"
    grep -q call-end "$folder/replay.json"
    cmp "$folder/fuzzer.json" "$folder/replay.json"
done
VDIFAULT_TRACE=$folder/schedule.vdt "$schedule" "$corpus/schedule_fuzzer/thread-a-device" >/dev/null
"$vdifault" trace "$folder/schedule.vdt" | grep -q 'GetCommand(timeout -1) -> Write #1, 512 bytes'
"$vdifault" trace --check "$folder/schedule.vdt" >/dev/null
# Two client processes, as events number them.
VDIFAULT_TRACE=$folder/peer.vdt "$peer" "$corpus/peer_fuzzer/secondary" >/dev/null
"$vdifault" trace "$folder/peer.vdt" >"$folder/peer.txt"
grep -q ' 2  *1  GetCommand(timeout 0) -> Read #1, 1024 bytes' "$folder/peer.txt"
grep -q ' 2  *-  MapBufferHandle() -> NOERROR' "$folder/peer.txt"
