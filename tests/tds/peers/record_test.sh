#!/bin/sh
# Answers that are recorded between a client and a server: the client sees what it sees without, and a server that has
# only what was recorded answers the same.
#
# usage: record_test.sh BUILD PEER...    BUILD: the build tree; PEER: a command that takes sqlcmd's options
set -eu
build=$1
shift
serve=$build/bin/tds_serve server=$build/libexec/vdifault/sqlserver proxy=$build/libexec/vdifault/tds-proxy
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/known" <<'JSON'
[{"query": "select name from dbo.jobs", "columns": [{"name": "name", "type": "nvarchar"}], "rows": [["weekly"]]},
 {"query": "select id from dbo.jobs", "columns": [{"name": "id", "type": "uniqueidentifier"}],
  "rows": [["6F9619FF-8B86-D011-B42D-00C04FC964FF"]]},
 {"query": "select * from dbo.jobs",
  "columns": [{"name": "i", "type": "int"}, {"name": "b", "type": "bigint"}, {"name": "t", "type": "tinyint"},
              {"name": "f", "type": "bit"}, {"name": "n", "type": "numeric", "precision": 9, "scale": 2},
              {"name": "s", "type": "nvarchar", "length": 9}, {"name": "x", "type": "nvarchar"},
              {"name": "v", "type": "varbinary", "length": 4}, {"name": "d", "type": "datetime"}],
  "rows": [[-7, 1234567890123, 255, true, "-12.50", "nächt", "long", "0x00ff", "2024-02-29 23:59:59"],
           [null, null, null, null, null, null, null, null, null]]},
 {"query": "select name from dbo.secrets where password = *",
  "columns": [{"name": "name", "type": "nvarchar"}], "rows": [["kept"]]},
 {"query": "exec dbo.check_license", "messages": [{"number": 50001, "severity": 9, "text": "no license"}]}]
JSON

cat >"$folder/ask" <<WRAPPER
#!/bin/sh
for query in 'SELECT * FROM dbo.jobs' 'select name  from dbo.jobs' "SELECT name FROM dbo.secrets WHERE password = 'hush'" \
    'EXEC dbo.check_license' 'SELECT id FROM dbo.jobs' 'SELECT @@VERSION' 'select name from dbo.jobs;'; do
    $* -S . -E -Q "\$query" || true
done
WRAPPER
cat >"$folder/backup" <<WRAPPER
#!/bin/sh
$* -S . -E -Q "BACKUP DATABASE d TO VIRTUAL_DEVICE = 'nobody'" || true
WRAPPER
cat >"$folder/recorded" <<WRAPPER
#!/bin/sh
exec "$serve" "$proxy" --server "\$VDIFAULT_TDS" --record "$folder/kept" -- sh "\$@"
WRAPPER

fail() {
    echo "FAILED: $1 (TDS_ENCRYPTION=$TDS_ENCRYPTION)" >&2
    cat "$folder/direct" "$folder/through" "$folder/kept" >&2
    exit 1
}

for encryption in ${ENCRYPTIONS:-off request require}; do
    export TDS_ENCRYPTION="$encryption"
    "$serve" "$server" --answers "$folder/known" -- sh "$folder/ask" >"$folder/direct" 2>&1
    "$serve" "$server" --answers "$folder/known" -- sh "$folder/recorded" "$folder/ask" >"$folder/through" 2>&1
    grep -qF 1234567890123 "$folder/direct" || fail 'the server did not answer'
    cmp -s "$folder/direct" "$folder/through" || fail 'the proxy is noticed'
    ! grep -qF hush "$folder/kept" || fail 'a password was kept'
    [ "$(grep -c query "$folder/kept")" -eq 6 ] || fail 'not six different queries'
    "$serve" "$server" --answers "$folder/kept" -- sh "$folder/ask" >"$folder/through" 2>&1
    cmp -s "$folder/direct" "$folder/through" || fail 'what was recorded answers otherwise'
done

"$serve" "$server" -- sh "$folder/recorded" "$folder/backup" >"$folder/through" 2>&1
grep -qF 'Open failure on backup device' "$folder/through" || fail 'BACKUP was not passed on'
! grep -qF query "$folder/kept" || fail 'BACKUP was kept'
