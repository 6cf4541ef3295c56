# shellcheck shell=bash disable=SC2154
# fuzz_engines.sh - what ci/fuzz does with either engine. Sourced, not run.
#
# Each function works on the target that the caller's variables describe:
#   program   built for the engine         seeds       folders of inputs that only are read
#   corpus    what was found, kept         run         folder of this run's own files
#   artifacts what failed, as found        options     "name=value" of the target's .options file
#   target    its name                     preset      what it is built with
# and on its seed, seconds and jobs.

# How many failing inputs end a run: what comes then is mostly the same again.
artifacts_max=10

option() { # NAME: its value, or nothing
    local pair
    for pair in "${options[@]}"; do
        [ "${pair%%=*}" != "$1" ] || echo "${pair#*=}"
    done
}

count_artifacts() {
    find "$artifacts" -type f | wc -l
}

# ---- libFuzzer ----

libfuzzer_flags() {
    local pair
    printf '%s\n' -timeout=25 -rss_limit_mb=2048
    for pair in "${options[@]}"; do
        printf '%s\n' "-$pair"
    done
}

# One process after the other until the time is over: each ends at the first input that fails.
libfuzzer_job() { # JOB
    local end=$((SECONDS + seconds)) round=0 left before status flags child=
    mapfile -t flags < <(libfuzzer_flags)
    trap 'kill $child; exit 1' TERM
    while left=$((end - SECONDS)) && [ $left -gt 0 ] && [ "$(count_artifacts)" -lt $artifacts_max ]; do
        before=$(count_artifacts)
        status=0
        "$program" "${flags[@]}" -seed=$((seed + 1000 * $1 + round)) -max_total_time=$left \
            -print_final_stats=1 -artifact_prefix="$artifacts/" "$corpus" "${seeds[@]}" >>"$run/log.$1" 2>&1 &
        child=$!
        wait $child || status=$?
        rm -f "$artifacts"/slow-unit-* # slow is no failure
        if [ $status -ne 0 ] && [ "$(count_artifacts)" -eq "$before" ]; then
            [ "$before" -gt 0 ] # the same input again; or none, and it could not run
            return
        fi
        round=$((round + 1))
    done
}

libfuzzer_collect() {
    :
}

libfuzzer_progress() {
    grep -hE '^#[0-9]' "$run"/log.* 2>/dev/null | tail -1 | sed -E 's/\t/ /g; s/^(.{0,70}).*/\1/'
}

libfuzzer_prune() { # INTO
    local flags
    mapfile -t flags < <(libfuzzer_flags)
    "$program" "${flags[@]}" -merge=1 "$1" "$corpus" "${seeds[@]}" >"$run/merge.log" 2>&1
}

libfuzzer_minimize() { # ARTIFACT INTO
    local flags
    mapfile -t flags < <(libfuzzer_flags)
    "$program" "${flags[@]}" -minimize_crash=1 -max_total_time=30 -exact_artifact_path="$2" "$1" >/dev/null 2>&1
}

# ---- AFL++ ----

export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_QUIET=1 AFL_ALLOW_TMP=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 # where the kernel pipes cores somewhere: hangs are seen a little later

# Scenarios are mutated as such: bytes changed one by one seldom make one that leads anywhere. Where the text is what is
# fuzzed, they are wanted, too.
afl_use_mutator() {
    local library=$PWD/build/$preset/lib/libvdifault_afl_mutator.so
    case $target in
    lifecycle_fuzzer) export AFL_CUSTOM_MUTATOR_LIBRARY=$library AFL_CUSTOM_MUTATOR_ONLY=1 ;;
    scenario_fuzzer) export AFL_CUSTOM_MUTATOR_LIBRARY=$library ;;
    esac
}

# The first job is the main one (-M), the others help (-S); they share what they find in one folder.
afl_job() { # JOB
    local role=(-S "helper$1") dictionary length flags=(-m none -t 5000)
    [ "$1" -ne 0 ] || role=(-M main)
    dictionary=$(option dict)
    length=$(option max_len)
    afl_use_mutator
    if [ "$1" -eq 0 ]; then
        find "$corpus" "${seeds[@]}" -type f -exec cp -n {} "$run/input" \;
        touch "$run/ready"
    fi
    until [ -e "$run/ready" ]; do sleep 0.1; done
    exec afl-fuzz "${role[@]}" -V "$seconds" -s "$((seed + $1))" "${flags[@]}" ${dictionary:+-x "$dictionary"} \
        ${length:+-G "$length"} -i "$run/input" -o "$run/sync" -- "$program" >"$run/log.$1" 2>&1
}

afl_collect() {
    find "$run/sync" -path '*/queue/id:*' -type f | while read -r file; do
        cp "$file" "$corpus/$(sha1sum <"$file" | cut -c1-40)"
    done
    find "$run/sync" \( -path '*/crashes/id:*' -o -path '*/hangs/id:*' \) -type f | head -n $artifacts_max |
        while read -r file; do
            cp "$file" "$artifacts/$(basename "$(dirname "$file")")-$(sha1sum <"$file" | cut -c1-40)"
        done
}

afl_progress() {
    local stats="$run/sync/main/fuzzer_stats"
    [ -e "$stats" ] || return 0
    sed -nE 's/^(execs_done|execs_per_sec|corpus_count|saved_crashes|stability) *: /\1 /p' "$stats" | paste -sd' '
}

afl_prune() { # INTO
    mkdir -p "$run/all"
    find "$corpus" "${seeds[@]}" -type f -exec cp -n {} "$run/all" \;
    afl-cmin -m none -t 5000 -i "$run/all" -o "$1" -- "$program" >"$run/merge.log" 2>&1
}

afl_minimize() { # ARTIFACT INTO
    timeout 60 afl-tmin -m none -t 5000 -i "$1" -o "$2" -- "$program" >/dev/null 2>&1
}
