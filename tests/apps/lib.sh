# lib.sh - for the scripts of this folder. Each gets MOAT (the binary), PLATFORM, BUILD, and TEST_FULL=1 for long cases.

failures=0

# inside PROG ARG...: run it in a sandbox, with the script's input and output. MOAT_OPTS adds options.
inside() {
	# shellcheck disable=SC2086
	"$MOAT" do --platform "$PLATFORM" ${MOAT_OPTS:-} -- "$@"
}

# expect WHAT WANT GOT: compare and say what differs.
expect() {
	if [ "$2" != "$3" ]; then
		printf '%s: expected:\n%s\n  got:\n%s\n' "$1" "$2" "$3"
		failures=$((failures + 1))
	fi
}

# expect_status WHAT WANT PROG ARG...: the exit status of a program in a sandbox.
expect_status() {
	what=$1 want=$2
	shift 2
	inside "$@" > /dev/null 2>&1
	expect "$what: exit status" "$want" "$?"
}

skip() {
	echo "$1"
	exit 77
}

done_testing() {
	[ "$failures" = 0 ] || exit 1
	exit 0
}
