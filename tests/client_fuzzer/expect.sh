# shellcheck shell=sh
# expect.sh - what the scripts of this folder share.

expect() { # STATUS WORDS COMMAND...: its exit status, and what it prints
    expected=$1
    words=$2
    shift 2
    status=0
    "$@" >log 2>&1 || status=$?
    [ "$status" -eq "$expected" ] || { echo "exit status $status, expected $expected: $*"; cat log; exit 1; }
    grep -q -e "$words" log || { echo "nothing of '$words': $*"; cat log; exit 1; }
}
