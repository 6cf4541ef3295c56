#!/bin/sh
# `vdifault record --record-answers`: an agent that knows the server's address alone is sent through the proxy, also one
# that makes no VDI call; what is kept is what `vdifault run --tds --answers` answers.
#
# usage: record_verb_test.sh BUILD
set -eu
build=$1
serve=$build/bin/tds_serve server=$build/libexec/vdifault/sqlserver
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $1" >&2
    cat "$folder"/said* >&2
    exit 1
}

cat >"$folder/known" <<'JSON'
[{"query": "select name from dbo.jobs", "columns": [{"name": "name", "type": "nvarchar", "length": 20}],
  "rows": [["weekly"], [null]]}]
JSON

# The agent: bsqldb, with the address in its own file.
cat >"$folder/agent" <<'AGENT'
#!/bin/sh
echo 'select name from dbo.jobs' | FREETDSCONF=$1 bsqldb -S server -U sa -P hush -t '|' 2>&1
AGENT

# With the server at $VDIFAULT_TDS.
cat >"$folder/record" <<'RECORD'
#!/bin/sh
set -eu
build=$1 folder=$2 place=$VDIFAULT_TDS
unset VDIFAULT_TDS
printf '[server]\n host = %s\n port = %s\n tds version = 7.4\n encryption = require\n' \
    "${place%:*}" "${place##*:}" >"$folder/freetds.conf"
echo "$place" >"$folder/place"
"$build/bin/vdifault" record --record-answers "$folder/kept" --server "$place" -- \
    sh "$folder/agent" "$folder/freetds.conf" >"$folder/said" 2>&1
RECORD

"$serve" "$server" --answers "$folder/known" -- sh "$folder/record" "$build" "$folder" || fail 'not recorded'
grep -qx weekly "$folder/said" || fail 'the agent was not answered'
grep -qF '["weekly"], [null]' "$folder/kept" || fail 'its answer was not kept'
! grep -qF hush "$folder/kept" || fail 'a password was kept'

# The server is gone; the agent still asks the same address.
"$build/bin/vdifault" run --tds --server "$(cat "$folder/place")" --answers "$folder/kept" -- \
    sh "$folder/agent" "$folder/freetds.conf" >"$folder/said-run" 2>&1 || true
grep -qx weekly "$folder/said-run" || fail 'what was recorded is not answered'

# Nobody is there: one line says so, and the agent fails as it would.
"$build/bin/vdifault" record --record-answers "$folder/kept" --server "$(cat "$folder/place")" -- \
    sh "$folder/agent" "$folder/freetds.conf" >"$folder/said-none" 2>&1 || true
grep -qF "cannot connect to $(cat "$folder/place")" "$folder/said-none" || fail 'nobody said that nobody is there'

for wrong in '--record-answers kept' '--server host' '--record-answers kept --server a --server b'; do
    status=0
    "$build/bin/vdifault" record $wrong -- true >"$folder/said-wrong" 2>&1 || status=$?
    [ "$status" -eq 2 ] || fail "exit status $status of record $wrong"
done
