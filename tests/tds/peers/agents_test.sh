#!/bin/sh
# An agent with a connection of its own, under the runner: it gets through, with and without TLS, by name and by address;
# it reports failure when its session ends by KILL, an attention or a lost connection, before the set is open, in the
# transfer and after VD_E_CLOSE; if it claims success then, it is found. And a part of its sweep.
#
# usage: agents_test.sh VDIFAULT SHARD COMMAND...    COMMAND: the agent's, with SERVER and ENCRYPTION in the place of
# those; SHARD: of the sweep
set -eu
vdifault=$1 shard=$2
shift 2
command=$*
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $1" >&2
    cat "$folder/out" >&2
    exit 1
}

# judge STATUS SERVER ENCRYPTION WORDS OPTION...: WORDS are in the output
judge() {
    wanted=$1 words=$4 status=0
    client=$(echo "$command" | sed "s/SERVER/$2/; s/ENCRYPTION/$3/")
    shift 4
    "$vdifault" "$@" -- $client >"$folder/out" 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || fail "exit status $status with $*, expected $wanted"
    grep -qF -e "$words" "$folder/out" || fail "no '$words' with $*"
}

for encryption in off require; do
    judge 0 sqlhost $encryption 'simulated by vdifault' run --tds --server sqlhost
    judge 0 192.0.2.1 $encryption '3014 (severity 10) BACKUP DATABASE successfully' run --tds
    judge 0 '{tds}' $encryption '3014 (severity 10) RESTORE DATABASE successfully' run --tds
done

for fault in no-server 'statement-refused(number=596)' 'statement-refused(number=3204)' \
    server-crash@GetConfiguration kill-session@GetConfiguration attention@GetConfiguration \
    server-crash@Write#3 kill-session@Write#3 attention@Write#3 \
    'late-failure(number=0)' 'late-failure(number=596)' 'late-failure(number=3204)'; do
    judge 0 sqlhost request 'says failure' run --tds --server sqlhost --fault "$fault"
    grep -qF 'fired 1' "$folder/out" || fail "$fault did not fire"
    command="env CLAIM_SUCCESS=1 $*"
    judge 1 sqlhost request 'VDI-OUT-001' run --tds --server sqlhost --fault "$fault"
    command=$*
done

judge 0 sqlhost request ' 0 with findings, 0 vacuous' sweep --tds --server sqlhost --size 300K --per-stack 1 \
    --no-minimize --shard "$shard"
tail -n 1 "$folder/out"
