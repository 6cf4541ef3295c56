#!/usr/bin/env bash
# bench.sh libfuzzer|afl FUZZER FLOOR SEED [MUTATOR] - how fast lifecycle_fuzzer is beside the engine's floor (design 6): the
# programs in turn, from one input of a whole session, and none of more than eighteen lines. TURNS (5) of INPUTS
# (100,000, libFuzzer) or SECONDS_EACH (10, AFL++) each; the ratio is the median of those within one turn. libFuzzer's figures
# are inputs a second of processor time, AFL++'s, which are two processes, of the clock's. libFuzzer keeps its corpus in
# memory here: to write it takes a fifth of the time on a disk, which is the disk's speed and not the fuzzer's.
set -euo pipefail
engine=$1 fuzzer=$2 floor=$3 seed=$4 mutator=${5-}
max_len=600 # 24 bytes and 32 a line
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/seeds"
cp "$seed" "$work/seeds"

libfuzzer_rate() { # PROGRAM TURN: inputs a second
    local inputs=${INPUTS:-100000} TIMEFORMAT='%U %S' spent
    spent=$({ time "$1" -seed="$2" -runs="$inputs" -max_len=$max_len -seed_inputs="$seed" >"$work/log" 2>&1; } 2>&1) ||
        { tail -3 "$work/log" >&2 && return 1; }
    awk -v inputs="$inputs" '{ print inputs / ($1 + $2) }' <<<"$spent"
}

afl_rate() {
    export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_QUIET=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
    export AFL_CUSTOM_MUTATOR_LIBRARY=$mutator AFL_CUSTOM_MUTATOR_ONLY=1 VDIFAULT_MUTATE=
    rm -rf "$work/out"
    afl-fuzz -V "${SECONDS_EACH:-10}" -s "$2" -m none -t 5000 -G $max_len -i "$work/seeds" -o "$work/out" -- "$1" \
        >"$work/log" 2>&1 || { tail -5 "$work/log" >&2 && return 1; }
    cp "$work/out/default/fuzzer_stats" "$work/stats.$(basename "$1")"
    sed -n 's/^execs_per_sec *: //p' "$work/out/default/fuzzer_stats"
}

declare -A aim=([libfuzzer]=0.15 [afl]=0.30)
for ((turn = 1; turn <= ${TURNS:-5}; turn++)); do
    ours=$("${engine}_rate" "$fuzzer" "$turn")
    floors=$("${engine}_rate" "$floor" "$turn")
    echo "$ours $floors $(awk "BEGIN { print $ours / $floors }")"
done | tee "$work/rates"
column() { sort -n -k "$1,$1" "$work/rates" | awk -v c="$1" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'; }
printf 'lifecycle_fuzzer, %s: %.0f inputs/s, floor %.0f inputs/s, ratio %.2f (aim %s)\n' "$engine" \
    "$(column 1)" "$(column 2)" "$(column 3)" "${aim[$engine]}"
[ "$engine" != afl ] || sed -n 's/^stability *: /stability /p' "$work/stats.$(basename "$fuzzer")"
