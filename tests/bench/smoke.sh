#!/bin/sh
# Runs every benchmark with a few rounds. Whatever the times, each row must be measured and printed, and the JSON
# must hold the same rows.   smoke.sh BENCH SCRATCH CALL-ROWS
set -eu
rows=$((111 + $3)) # 13 of round trips, 4 of the guard, 3 device counts x 6 sizes x 5 contestants, 4 of runs; of calls

"$1" --smoke --json "$2.json" >"$2.txt"
printed=$(grep -cE '^  .* [0-9]*[1-9][0-9.]* +[0-9.]*[1-9][0-9.]*( |$)' "$2.txt")
written=$(grep -cE '"name": ".*", "best": [0-9.]+, "median": [0-9.]+' "$2.json")
if [ "$printed" -ne "$rows" ] || [ "$written" -ne "$rows" ]; then
    echo "expected $rows rows, found $printed in $2.txt and $written in $2.json" >&2
    exit 1
fi
