#!/bin/sh
# What every client must get from the server: rows, messages, an error, with and without TLS; BACKUP and RESTORE through
# it in a run, and the ends that a plan gives its connection.
#
# usage: peer_test.sh BUILD PEER...    BUILD: the build tree; PEER: a command that takes sqlcmd's options
set -eu
build=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $1" >&2
    cat "$folder/out" >&2
    exit 1
}

# expect STATUS WORDS COMMAND...
expect() {
    wanted=$1 words=$2 status=0
    shift 2
    "$@" >"$folder/out" 2>&1 || status=$?
    [ "$wanted" = any ] || [ "$status" -eq "$wanted" ] || fail "exit status $status of $*, expected $wanted"
    grep -qF -e "$words" "$folder/out" || fail "no '$words' from $*"
}

# ask STATUS WORDS QUERY: a run without a VDI call has status 3; the peer's is printed
ask() {
    expect 3 "$2" "$build/bin/vdifault" run --tds -- sh -c '"$1" -S . -E -b -Q "$2"; echo "peer: $?"' sh "$peer" "$3"
    [ "$1" = any ] || grep -qx "peer: $1" "$folder/out" || fail "another exit status than $1"
}

cat >"$folder/peer" <<WRAPPER
#!/bin/sh
exec $* "\$@"
WRAPPER
chmod +x "$folder/peer"
peer=$folder/peer

for encryption in off request require; do
    export TDS_ENCRYPTION="$encryption"
    ask 0 'simulated by vdifault' 'SELECT @@VERSION'
    ask 0 'a word of PRINT' "PRINT 'a word of PRINT'"
    ask any "Could not find stored procedure 'no_such'" 'EXEC no_such'
    ask any 'Open failure on backup device' "BACKUP DATABASE d TO VIRTUAL_DEVICE = 'nobody'"
done

run() {
    expect "$1" "$2" "$build/bin/vdifault" run --tds $3 -- \
        "$build/clients/correct_c" backup-restore --database db --dir '{run}' --sqlcmd "$peer"
}
run 0 'clean: the client broke no rule' ''
run 0 '596' '--fault kill-session@Write#3:0/0'
run 0 '3204 (severity 16)' '--fault attention@Write#3:0/0'
run 0 '6005 (severity 10)' '--fault shutdown@Write#3:0/0'
run 0 'says failure' '--fault server-crash@Write#3:0/0'
