#!/bin/sh
# A static musl program of ours (musl.c).
# files: $BUILD/tests/apps/musl
. "$(dirname "$0")/common"
program=$(cd "$BUILD" && pwd)/tests/apps/musl
[ -x "$program" ] || skip "$program is absent"
rounds=3
[ -z "${TEST_FULL:-}" ] || rounds=50
while [ $((rounds -= 1)) -ge 0 ]; do
	got=$(inside "$program")
	expect "status" 11 $?
	expect "output" "threads 72000
children 210 0
mapping musl
timers 1 14" "$got"
done
done_testing
