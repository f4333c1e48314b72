#!/bin/bash
# Random system calls by several processes and threads (tests/fuzz/fuzz_calls.c): the Sentry goes on, whatever they ask for.
# files: $BUILD/tests/fuzz_calls
. "$(dirname "$0")/common"
[ -n "${TEST_FULL:-}" ] || skip "long: with --full only"
seconds=20
limit=$((seconds + 60))
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/root/"{dev,proc,run,sys,tmp}
cp "$BUILD/tests/fuzz_calls" "$dir/root/fuzz_calls" || exit 1
before=$(find "$dir/root" | sort)
for seed in 1 2 3 4; do
	timeout -s KILL $limit "$MOAT" do --platform "$PLATFORM" --hints=off --cpus 4 --memory 512M --rootfs "$dir/root" \
		--env MOAT_SANDBOX=1 -- /fuzz_calls $seed $seconds > "$dir/out" 2> "$dir/err" < /dev/null
	expect "seed $seed: status" 0 $?
	expect "seed $seed: last line" "N calls, N workers" "$(tail -n 1 "$dir/out" | sed 's/[1-9][0-9]*/N/g')"
	bad=$(grep -a -m 1 -e panic -e BUG -e crashed "$dir/out" "$dir/err")
	expect "seed $seed: the Sentry" "" "$bad"
	[ -z "$bad" ] || tail -n 60 "$dir/err"
	expect "seed $seed: the host's files" "$before" "$(find "$dir/root" | sort)"
done
done_testing
