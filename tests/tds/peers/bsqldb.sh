#!/bin/sh
# A statement through FreeTDS's DB-Library, with the options of sqlcmd that a client uses: the last one is the statement.
# The server is $VDIFAULT_TDS, encryption $TDS_ENCRYPTION (off, request, require).
set -eu
for statement; do :; done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/freetds.conf" <<CONF
[server]
    host = ${VDIFAULT_TDS%:*}
    port = ${VDIFAULT_TDS##*:}
    tds version = ${TDS_VERSION:-7.4}
    encryption = ${TDS_ENCRYPTION:-request}
CONF
printf '%s\n' "$statement" | FREETDSCONF=$folder/freetds.conf bsqldb -S server -U sa -P secret -t '|' 2>&1
