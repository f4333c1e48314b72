#!/bin/bash
# Somebody on the host swaps a directory of the root, or of a volume, for a link that leads out of it, thousands of times a
# second, while a program inside reads, lists, makes and removes what is below: nothing outside is seen or changed.
# files: $BUILD/tests/apps/host_races
. "$(dirname "$0")/common"
races=$(cd "$BUILD" && pwd)/tests/apps/host_races
dir=$(mktemp -d)
flipper=
trap '[ $BASHPID != $$ ] || { [ -z "$flipper" ] || kill $flipper 2> /dev/null; rm -rf "$dir"; }' EXIT
chmod 755 "$dir"
tries=5000
[ "$PLATFORM" = systrap ] || tries=1000
if [ -n "${TEST_FULL:-}" ]; then
	tries=100000
	[ "$PLATFORM" = systrap ] || tries=20000
fi

outside() {
	find "$dir/outside" -exec stat -c '%n %F %a %s %h %y %z' {} \; | sort
	cat "$dir/outside/file"
}

# race WHAT SEEN-INSIDE-AS OPTION...
race() {
	local what=$1 where=$2
	shift 2
	rm -rf "$dir/root" "$dir/outside"
	mkdir -p "$dir/root/v/x" "$dir/outside"
	cp "$races" "$dir/root/races"
	printf 'inside\n' > "$dir/root/v/x/file"
	printf 'what nobody inside may see\n' > "$dir/outside/file"
	: > "$dir/outside/outside-only"
	chmod 600 "$dir/outside/file"
	ln -s "$dir/outside" "$dir/root/v/link"
	local before
	before=$(outside)
	"$races" flip "$dir/root/v" &
	flipper=$!
	local got
	got=$("$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" "$@" -- /races use "$where" $tries 2>&1)
	# What a root's name stood for when it was looked up first stays so: nobody else is to change a root.
	[ "$where" != /v ] || got=${got//hardly /}
	expect "$what" "used, refused" "$got"
	kill $flipper
	wait $flipper 2> /dev/null
	flipper=
	expect "$what, outside" "$before" "$(outside)"
}

race "a volume" /volume --rw --mount "type=bind,src=$dir/root/v,dst=/volume"
tries=$((tries / 5)) # the same gofer; names are cached, so that it is asked less
race "a root that others change, too" /v --rw
done_testing
