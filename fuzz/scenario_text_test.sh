# scenario_text_test.sh TOOL CORPUS - both forms of a scenario, and back; refusals.
tool=$1 corpus=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for seed in every-verb binary-form hostile-writes session; do
    "$tool" "$corpus/$seed" >"$folder/text"
    "$tool" --binary <"$folder/text" >"$folder/binary"
    "$tool" "$folder/binary" >"$folder/again"
    cmp "$folder/text" "$folder/again"
done
"$tool" "$corpus/every-verb" | cmp - "$corpus/every-verb"
status=0
"$tool" "$corpus/wrong-verb" 2>"$folder/error" || status=$?
test "$status" = 2
grep -q "wrong-verb:2:8: found 'Oepn'.*did you mean 'Open'" "$folder/error"
status=0
"$tool" "$folder/nothing-here" 2>"$folder/error" || status=$?
test "$status" = 1
status=0
"$tool" --text 2>"$folder/error" || status=$?
test "$status" = 2
