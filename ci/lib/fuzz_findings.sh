# shellcheck shell=bash disable=SC2154
# fuzz_findings.sh - from inputs that failed to findings, and the reports on them. Sourced by ci/fuzz, not run.
#
# A finding is a line of $findings: target, grade, input, what happened; separated by tabulators. Inputs that fail in the
# same way are one finding.

# What a failing input does, in a line; nothing if it does not fail. Told by the replay program, so that it is the same
# for every engine.
symptom() { # INPUT
    local output status=0
    output=$(timeout 25 "$replay" "$1" 2>&1) || status=$?
    case $status in
    0) return ;;
    124) echo "goes on for more than 25 seconds" ;;
    *)
        sed -nE -e 's/^([^ ]*\/)?([^ ]*: broken promise: .*)/\2/p;t' -e 's/^([^ ]*\/)?([^ ]*: runtime error: .*)/\2/p;t' \
            -e 's/^[^ ]*: (.*: Assertion .* failed\.)/\1/p;t' -e 's/^SUMMARY: ([^ ]+ [^ ]+) ([^ ]*\/)?(.*)/\1 \3/p' \
            <<<"$output" | grep -m1 . || echo "ends with status $status"
        ;;
    esac
}

# How often of ten times the input fails.
grade() { # INPUT
    local times=0 _
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        timeout 25 "$replay" "$1" >/dev/null 2>&1 || times=$((times + 1))
    done
    echo "$times/10"
}

# Minimises $artifacts into $found, one a symptom.
make_findings() {
    local artifact what smaller name seen=
    for artifact in "$artifacts"/*; do
        [ -e "$artifact" ] || return 0
        what=$(symptom "$artifact")
        what=${what:-was not seen again}
        ! grep -qxF "$what" <<<"$seen" || continue
        seen+=$what$'\n'
        name=$found/$(basename "$artifact")
        cp "$artifact" "$name"
        smaller=$run/smaller
        rm -f "$smaller"
        if "${engine}_minimize" "$artifact" "$smaller"; then :; fi
        if [ -s "$smaller" ] && [ "$(symptom "$smaller")" = "$what" ]; then
            cp "$smaller" "$name"
        fi
        printf '%s\t%s\t%s\t%s\n' "$target" "$(grade "$name")" "$name" "$what" >>"$findings"
        echo "  $target: $what ($(stat -c %s "$name") bytes, $(tail -1 "$findings" | cut -f2) again)"
        echo "    $replay $name"
    done
}

# ---- reports ----

escape_xml() {
    sed -e 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g' <<<"$1" | tr -d '\000-\010\013\014\016-\037'
}

escape_json() {
    sed -e 's/\\/\\\\/g; s/"/\\"/g; s/\t/\\t/g' <<<"$1" | tr -d '\000-\010\013\014\016-\037'
}

# A suite, a test a target; a finding of it is its failure.
write_junit() { # FILE TARGET...
    local file=$1 one target grade name what failed count
    shift
    count=$(cut -f1 "$findings" | sort -u | grep -c . || true)
    {
        echo '<?xml version="1.0" encoding="UTF-8"?>'
        echo "<testsuites><testsuite name=\"fuzz.$engine\" tests=\"$#\" failures=\"$count\" errors=\"0\" skipped=\"0\">"
        for one; do
            failed=$(while IFS=$'\t' read -r target grade name what; do
                [ "$target" != "$one" ] || echo "$what ($grade): $replay_folder/${target}_replay $name"
            done <"$findings")
            echo "  <testcase classname=\"fuzz.$engine\" name=\"$one\">"
            [ -z "$failed" ] || echo "    <failure message=\"$(escape_xml "$(head -1 <<<"$failed")")\">$(escape_xml "$failed")</failure>"
            echo "  </testcase>"
        done
        echo '</testsuite></testsuites>'
    } >"$file"
}

# A result a finding. Its place is the line of ours that its symptom names, or else the input.
write_sarif() { # FILE
    local target grade name what source line separator=
    {
        # shellcheck disable=SC2016 # a dollar of JSON
        printf '{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [{\n'
        printf ' "tool": {"driver": {"name": "vdifault ci/fuzz", "rules": [{"id": "fuzz-%s"}]}},\n' "$engine"
        printf ' "results": ['
        while IFS=$'\t' read -r target grade name what; do
            source=$name
            line=1
            if [[ $what =~ ([A-Za-z0-9_]+\.[ch]):([0-9]+) ]]; then
                source=$(find src fuzz inject -name "${BASH_REMATCH[1]}" -print -quit)
                line=${BASH_REMATCH[2]}
            fi
            printf '%s\n  {"ruleId": "fuzz-%s", "level": "error",\n' "$separator" "$engine"
            printf '   "message": {"text": "%s"},\n' "$(escape_json "$target: $what ($grade), input $name")"
            printf '   "locations": [{"physicalLocation": {"artifactLocation": {"uri": "%s"},' "$(escape_json "${source:-$name}")"
            printf ' "region": {"startLine": %d}}}],\n' "$line"
            printf '   "partialFingerprints": {"symptom/v1": "%s"}}' "$(sha1sum <<<"$target $what" | cut -c1-40)"
            separator=,
        done <"$findings"
        printf ']}]}\n'
    } >"$1"
}
