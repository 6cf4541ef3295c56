#!/bin/sh
# record_test.sh BUILD_DIR: a client is recorded with a server that was started apart from it, which is not the run's;
# the run's own server follows the profile, and what it does gives the same profile.
set -eu
build=$1
vdifault=$build/bin/vdifault
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
VDI_NAMESPACE=record$$ # where the server apart and the client meet
export VDI_NAMESPACE
name=none

fail() {
    echo "$name: $1"
    for file in "$work"/said "$work"/sql "$work"/profile "$work"/again; do
        [ ! -e "$file" ] || { echo "--- $file"; cat "$file"; }
    done
    exit 1
}

# clauses COUNT: the devices of set $name
clauses() {
    list="VIRTUAL_DEVICE='$name'"
    for i in $(seq 1 $(($1 - 1))); do
        list="$list, VIRTUAL_DEVICE='$name-$i'"
    done
    echo "$list"
}

# server PLAN STATEMENT: the server apart, in the background
server() {
    printf '%s\n' "$1" >"$work/server.plan"
    VDIFAULT_PLAN=$work/server.plan "$build/libexec/vdifault/sqlcmd" -b -Q "$2" >"$work/sql" 2>&1 &
    server=$!
}

# what must be equal in two recordings: all but times, and the order that the client's threads came in
essence() {
    grep -E '^(server|fault)' "$1" | grep -vE ' (order|close) ' | sed 's/ pause:[0-9]*//g' | awk '{
        line = ""
        for (i = 1; i <= NF; i++) {
            n = split($i, part, "*") == 2 ? part[2] : 1
            while (n-- > 0) line = line " " part[1]
        }
        print line
    }'
}

# record_and_follow CLIENT DEVICES OPERATION WITH SERVER_PLAN COMPARED
record_and_follow() {
    client=$build/clients/$1 devices=$2 operation=$3 with=$4 plan=$5 compared=$6
    word=$([ "$operation" = backup ] && echo TO || echo FROM)
    verb=$(echo "$operation" | tr a-z A-Z)
    own=$([ "$operation" = backup ] && echo FORMAT || echo REPLACE) # the client's statement has this one alone
    server "$plan" "$verb DATABASE db $word $(clauses "$devices") WITH $own$with"
    "$vdifault" record --trace "$work/trace" --profile "$work/profile" -- "$client" "$operation" --database db \
        --set "$name" --devices "$devices" --dir "$work" --no-sql >"$work/said" 2>&1 || fail "not recorded"
    wait "$server" || fail "the server apart failed"
    server=
    "$vdifault" trace "$work/trace" | grep -q STATEMENT && fail "the server apart is in the trace"
    "$vdifault" run --profile "$work/profile" --guard off --trace "$work/followed" -- "$client" "$operation" \
        --database db --set "$name" --devices "$devices" --dir "$work" >"$work/said" 2>&1 ||
        fail "the client fails where the profile is followed"
    "$vdifault" record --profile "$work/again" "$work/followed" >"$work/said" 2>&1 || fail "no profile of the run's trace"
    essence "$work/profile" | grep -E "$compared" >"$work/one"
    essence "$work/again" | grep -E "$compared" >"$work/other"
    grep -q 'profile' "$work/one" || fail "nothing to compare"
    cmp -s "$work/one" "$work/other" || fail "the profiles differ"
}

sizes='profile (backup|restore) (device|mix|sizes)|complete|size'
name=one
record_and_follow correct_c 1 backup "" "server seed 5
server size 1500000" .
record_and_follow correct_c 1 restore "" "server seed 5
server size $(sed -n 's/^server size //p' "$work/profile")" .
name=three
record_and_follow correct_c 3 backup ", MAXTRANSFERSIZE=1048576, BLOCKSIZE=4096" "server seed 8
server size 9M" "$sizes|outstanding"
name=held
record_and_follow async 2 backup "" "server seed 3
server size 3000001" "$sizes"
name=odd
record_and_follow correct_c 2 backup ", BUFFERCOUNT=2" "server seed 9
server size 900000
server profile backup device 0 2048 65536*4 flush pause:120 1024*3 8192
server profile backup device 1 512 32768*3 1024" .
grep -q ' flush pause:[0-9]* 1024\*3 ' "$work/profile" || fail "a Flush or a silence is missing"

# The statement is ended from outside, in the transfer.
name=ended
server "server size 1G" "BACKUP DATABASE db TO VIRTUAL_DEVICE='ended'"
"$vdifault" record --profile "$work/profile" -- "$build/clients/correct_c" backup --database db --set ended \
    --dir "$work" --no-sql >"$work/said" 2>&1 &
recorder=$!
tries=0
until [ -n "$(find "$work" -name 'ended*' -size +256k)" ] || [ $tries -gt 600 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
kill -INT "$server"
wait "$recorder" || fail "a client that failed is not recorded"
wait "$server" && fail "the statement did not end"
server=
grep -q '^fault abort' "$work/profile" || fail "the abort is not in the profile"
"$vdifault" run --profile "$work/profile" --guard off --trace "$work/followed" -- "$build/clients/correct_c" \
    backup --database db --set ended --dir "$work" >"$work/said" 2>&1 || fail "the abort is not had again"
grep -q 'fired 1' "$work/said" || fail "the abort did not fire"

"$vdifault" record --scenario "$work/seed" "$work/followed" >"$work/said" 2>&1 || fail "no scenario of the trace"
"$vdifault" replay "$work/seed" >"$work/said" 2>&1 || fail "the scenario does not do what it says"

# What is no trace, no profile, no client.
expect() {
    wanted=$1 text=$2
    shift 2
    status=0
    "$vdifault" "$@" >"$work/said" 2>&1 || status=$?
    [ "$status" = "$wanted" ] && grep -q -- "$text" "$work/said" || fail "'$*' ended with $status, without '$text'"
}
name=wrong
rm -f "$work/profile" "$work/again" "$work/sql"
head -c 4000 /dev/urandom >"$work/noise"
echo 'server profile backup device 0 512*99999999999' >"$work/bad"
head -c 3000 "$work/trace" >"$work/cut"
expect 2 "trace '$work/noise': " record --profile "$work/x" "$work/noise"
expect 2 "trace '$work/cut': " record --profile "$work/x" "$work/cut"
expect 2 'No such file' record --profile "$work/x" "$work/none"
expect 2 'where to keep' record -- "$build/clients/correct_c"
expect 2 "expected '--' before a client" record --profile "$work/x" "$build/clients/correct_c" backup
expect 2 'no client and no trace' record --profile "$work/x"
expect 2 'expected --trace FILE, too' record --scenario "$work/x" -- "$build/clients/correct_c"
expect 2 'cannot write' record --profile "$work/none/x" -- "$build/clients/correct_c"
expect 2 'line 1: bad profile' run --profile "$work/bad" -- "$build/clients/correct_c"
expect 3 'no VDI call' record --profile "$work/x" -- /bin/true
