# lifecycle_states_test.sh LIFECYCLE_STATES CORPUS - the corpus reaches every outcome; one scenario does not, and both the
# tables and the graph say so.
states=$1 corpus=$2
one=$corpus/client-killed

expect() { # TEXT PATTERN
    printf '%s\n' "$1" | grep -q -- "$2" || { printf '%s\nexpected: %s\n' "$1" "$2" >&2; exit 1; }
}
all=$(find "$corpus" -type f | "$states")
expect "$all" 'IsSharedBuffer .* FALSE [0-9]'
expect "$all" '^\([0-9]*\) of \1 outcomes'
all=$(find "$corpus" -type f | "$states" --dot)
expect "$all" 'client5 -> client6 \[label=<GetCommand VD_E_CLOSE [0-9]*>'
case $all in
*color=red*) printf '%s\nexpected: nothing red\n' "$all" >&2 && exit 1 ;;
esac

some=$(echo "$one" | "$states")
expect "$some" '^| Kill | never | never | never | 1 |'
expect "$some" '^\* Client, GetCommand in Active: VD_E_CLOSE '
some=$(echo "$one" | "$states" --dot)
expect "$some" 'GetCommand VD_E_CLOSE never</font>>.*style=dashed, color=red'
expect "$some" 'label="Active\\n[0-9]* of [0-9]*", color=red'
