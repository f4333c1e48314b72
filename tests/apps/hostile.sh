#!/bin/bash
# A Sentry that was taken over and fills every ring with garbage (tests/guest/hostile): the launcher and the gofer end the
# sandbox with a line, are never killed by a signal (their seccomp filters', a fault's), never hang, and nothing is left.
# files: $BUILD/tests/moat-hostile
. "$(dirname "$0")/common"
moats=("$BUILD/tests/moat-hostile")
[ "$PLATFORM" = systrap ] || [ -e "${moats[0]}" ] || skip "no moat-hostile here"
seeds=3
if [ -n "${TEST_FULL:-}" ] && [ "$PLATFORM" = systrap ]; then
	seeds=8
	make -s -C "$(dirname "$0")/../.." BUILD="$BUILD" "$BUILD/tests/moat-hostile-asan" || failures=1
	moats+=("$BUILD/tests/moat-hostile-asan")
fi
[ "$PLATFORM" = systrap ] || seeds=1
limit=20
[ "$PLATFORM" = systrap ] || limit=60
# A network, too, where there can be one: its queues are then served. A TAP device has all four pairs of them.
nets=()
if [ "$PLATFORM" = systrap ]; then
	[ "$(id -u)" != 0 ] || [ ! -c /dev/net/tun ] || nets+=("tap:hostile0 --net-queues 4")
	! command -v passt > /dev/null || nets+=(passt)
fi
[ ${#nets[@]} -gt 0 ] || nets=(none)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/root"
mounts=$(count_mounts)

# run KIND SEED: $st and $dir/err; standard output is the guest's to fill
run() {
	local net=${nets[$(($2 % ${#nets[@]}))]} alone=()
	[[ $net != tap:* ]] || alone=(unshare --net)
	# shellcheck disable=SC2086
	ASAN_OPTIONS=detect_leaks=0 timeout $limit "${alone[@]}" "$moat" do --platform "$PLATFORM" --cpus 1 --memory 64M --net $net --rootfs "$dir/root" --env "HOSTILE=$1:$2" \
		-- x < /dev/null > /dev/null 2> "$dir/err"
	st=$?
	[ $st != 124 ] || expect "$1:$2 of $moat" "an end" "still running after $limit s"
	tr -cd '\n -~' < "$dir/err" > "$dir/text"
	if grep -a -q 'killed by signal\|runtime error\|Sanitizer' "$dir/text"; then
		expect "$1:$2 of $moat" "no death" "$(grep -a 'killed by\|runtime error\|Sanitizer' "$dir/text" | head -3)"
	fi
}

for moat in "${moats[@]}"; do
	for ((seed = 1; seed <= seeds; seed++)); do
		for kind in noise index loop bounds messages frames race silence; do
			run $kind $seed
			expect "$kind:$seed: status" 125 $st
			last=$(grep -a '^moat: ' "$dir/text" | grep -a -v gofer)
			case $last in
			"moat: the Sentry ended without a word" | "moat: the Sentry broke the "*" queue") ;;
			"moat: the Sentry crashed on CPU "*) [ "$PLATFORM" = kvm ] || expect "$kind:$seed: a crash" "" "$last" ;;
			*) expect "$kind:$seed: last line" "moat: the Sentry..." "$last" ;;
			esac
		done
		run crash $seed
		expect "crash:$seed: status" 125 $st
		expect "crash:$seed: last line" "moat: the Sentry crashed; the report is above" "$(tail -1 "$dir/text")"
		run fatal $seed # the text goes on as noise
		expect "fatal:$seed: lines" "1 moat: one?two?[2J?moat: three?" "$(wc -l < "$dir/err") $(cut -c1-30 "$dir/text")"
		run exit $seed
		expect "exit:$seed: lines" 0 "$(wc -l < "$dir/err")"
	done
done
# What its ring 0 can do to the virtual machine (tests/guest/hostile/kvm.c): nothing, or a crash that is reported.
if [ "$PLATFORM" = kvm ]; then
	for ((way = 1; way <= 10; way++)); do
		run machine $way
		expect "machine:$way: status" 125 $st
		case $way:$(tail -n 1 "$dir/text") in
		*:"moat: the Sentry crashed; the report is above") ;;
		[1236]:"moat: the Sentry ended without a word") ;; # it may do so, the rest may not
		*) expect "machine:$way: last line" "moat: the Sentry..." "$(tail -n 2 "$dir/text")" ;;
		esac
	done
fi
expect "mounts" "$mounts" "$(count_mounts)"
expect "mounts on its files" "" "$(grep "$dir" /proc/self/mounts)"
expect "the root" "" "$(ls -A "$dir/root")"
done_testing
