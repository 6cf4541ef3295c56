#!/bin/sh
# The peer that npm brings: skipped, in words, without node, npm or what they load.
#
# usage: tedious_test.sh SOURCE BUILD PART    SOURCE: this folder; PART: peer, or agent
set -eu
skip() {
    echo "tedious: skipped: $1"
    exit 77
}
source=$1 build=$2 part=$3
command -v node >/dev/null || skip 'node is not installed'
command -v npm >/dev/null || skip 'npm is not installed'
folder=$build/tests/tds/peers/tedious
mkdir -p "$folder"
if ! cmp -s "$source/tedious/package-lock.json" "$folder/installed"; then
    cp "$source"/tedious/* "$folder"
    (cd "$folder" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
        skip "npm ci: $(tail -n 1 "$folder/npm.log")"
    cp "$source/tedious/package-lock.json" "$folder/installed"
fi
cp "$source"/tedious/*.js "$folder"
vdifault=$build/bin/vdifault

if [ "$part" = agent ]; then
    exec sh "$source/agents_test.sh" "$vdifault" 1/64 node --no-warnings "$folder/agent.js" --server SERVER \
        --encryption ENCRYPTION --database sales --set nodeset --result '{run}/result' -- "$build/clients/correct_c" \
        --no-sql --sql-result '{run}/result' --set nodeset --dir '{run}'
fi
sh "$source/peer_test.sh" "$build" node --no-warnings "$folder/sqlcmd.js"

# What only this peer does. ask WORDS ARGUMENT...
ask() {
    words=$1
    shift
    said=$("$vdifault" run --tds --real-time -- node --no-warnings "$folder/sqlcmd.js" "$@" 2>&1 || true)
    echo "$said" | grep -qF "$words" || {
        echo "FAILED: no '$words' in $said" >&2
        exit 1
    }
}
(
    export NODE_TLS_REJECT_UNAUTHORIZED=0 TDS_ENCRYPTION=strict
    ask 'TLS first' -Q "PRINT 'TLS first'"
)
ask '7|prepared' --rpc -Q "SELECT @a AS a, 'prepared'"
# An attention, acknowledged before the server has given up.
ask 'failed: ECANCEL' --cancel=300 -Q "BACKUP DATABASE d TO VIRTUAL_DEVICE = 'nobody'"

# A client whose connection is lost at the first word of progress, which therefore came while the backup ran.
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
cat >"$data/leaves" <<WRAPPER
#!/bin/sh
exec node --no-warnings "$folder/sqlcmd.js" --leave=3211 "\$@"
WRAPPER
chmod +x "$data/leaves"
lost=$("$vdifault" run --tds --real-time --fault 'server-slow(ms=100)@Write#*' -- \
    "$build/clients/correct_c" backup --database db --dir '{run}' --with STATS=5 --sqlcmd "$data/leaves" 2>&1 || true)
for words in 'clean: the client broke no rule' 'server    aborted' '3204 (severity 16)' 'client    says failure'; do
    echo "$lost" | grep -qF "$words" || {
        echo "FAILED: no '$words' in $lost" >&2
        exit 1
    }
done
