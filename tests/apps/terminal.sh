#!/bin/bash
# A terminal inside (--tty), and Ctrl-C and Ctrl-Z at a terminal outside. terminal.c is the user who types.
# files: /bin/busybox /bin/bash-static $BUILD/tests/apps/terminal
. "$(dirname "$0")/common"
B=/bin/busybox
user=$BUILD/tests/apps/terminal
[ -x "$user" ] || skip "$user is absent"
export NAP=1 # for fg, which names the program before it gives it the terminal
[ "$PLATFORM" = systrap ] || export TERMINAL_TIMEOUT=60
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || rm -rf "$dir"' EXIT

# session WHAT STATUS PROG ARG...: PROG with a terminal inside, the user's script on our input.
session() {
	local what=$1 want=$2 st
	shift 2
	"$user" "$MOAT" do --platform "$PLATFORM" --tty -- "$@" > "$dir/out" 2> "$dir/err"
	st=$?
	expect "$what: status" "$want" "$st"
	[ "$want" = "$st" ] || tail -n 20 "$dir/out" "$dir/err"
}

session "ash" 4 $B sh <<'X'
wait #
send echo a$((1+1))b\n
wait a2b
send tty; readlink /proc/self/fd/0; readlink /proc/self/fd/1\n
wait /dev/pts/0
wait /dev/pts/0
wait /dev/pts/0
send stty size\n
wait 24 80
send cut -d' ' -f7 /proc/$$/stat\n
wait 34816
wait #
send echo hel''lo > /dev/tty\n
wait hello
send sh -c "echo u''p; exec sleep 100"\n
wait up
send \003
wait #
send echo st=$?\n
wait st=130
send echo u''p; cat\n
wait up
send one\n
wait one
wait one
send \004
wait #
send exit 4\n
X

session "window size" 0 $B sh -c 'stty size; trap "stty size; exit 0" WINCH; echo up; while :; do sleep 0.05; done' <<'X'
wait 24 80
wait up
size 33 99
wait 33 99
X

session "job control in bash" 0 /bin/bash-static --norc <<'X'
wait #
send PS1='@ '\n
wait @
send sh -c "echo u''p; exec sleep 100"\n
wait up
send \032
wait Stopped
wait @
send jobs\n
wait Stopped
send bg; echo running $(jobs -r | wc -l)\n
wait running 1
send fg\n
wait sleep 100
run sleep $NAP
send \003
wait @
send echo st=$?\n
wait st=130
send echo u''p; cat | tr a-z A-Z\n
wait up
send word\n
wait WORD
send \032
wait Stopped
send fg\n
wait cat
send more\n
wait MORE
send \004
wait @
send exit 0\n
X

# Where what is typed comes in parts vi draws in parts, too: the whole lines are waited for at the end.
session "vi" 0 $B sh -c "$B vi /tmp/v && cat /tmp/v" <<'X'
wait /tmp/v
send ihello vi\e
wait Modified
send yypA, twice\e
wait 2/2
run sleep $NAP
send :wq\n
wait hello vi
wait hello vi, twice
X

# What a program leaves the terminal in does not stay: terminal.c compares (status 99).
session "raw at the end" 3 $B sh -c 'stty raw -echo; exit 3' < /dev/null
session "SIGKILL of the launcher" 137 $B sh -c 'stty raw -echo; echo up; sleep 100' <<'X'
wait up
run read -r gofer launcher rest < /proc/$PID/task/$PID/children; kill -9 $launcher
X
if [ "$PLATFORM" = systrap ]; then
	session "SIGKILL of the Sentry" 125 $B sh -c 'stty raw -echo; echo up; sleep 100' <<'X'
wait up
run read -r gofer launcher rest < /proc/$PID/task/$PID/children; read -r sentry rest < /proc/$launcher/task/$launcher/children; kill -9 $sentry
wait was killed by signal 9
X
fi
session "the terminal goes away" 5 $B sh -c 'trap "exit 5" HUP; echo up; while :; do sleep 0.05; done' <<'X'
wait up
hangup
X
session "the terminal goes away: default" 129 $B sh -c 'echo up; sleep 100' <<'X'
wait up
hangup
X

# End of file without a terminal outside: what was typed is read, then the shell ends.
got=$(echo 'echo hi; exit 7' | MOAT_OPTS=--tty inside $B sh 2>&1)
expect "input from a pipe: status" 7 $?
expect "input from a pipe" 1 "$(echo "$got" | tr -d '\r' | grep -c '^hi$')"
got=$(printf 'echo hi' | MOAT_OPTS=--tty inside $B cat 2>&1)
expect "an unended line: status" 0 $?
expect "an unended line" "echo hiecho hi" "$got"
expect "more lines than a terminal holds" 5000 "$(seq 5000 | MOAT_OPTS=--tty inside $B sh -c 'stty -echo; echo; wc -l' | tail -1 | tr -d '\r')"

# Without --tty a terminal's signals are for all that run in the foreground, as on the host.
run_plain="$MOAT do --platform $PLATFORM -- $B"
$user $run_plain sh -c "$B sh -c 'echo up; exec sleep 100'; echo not here" > "$dir/out" 2>&1 <<'X'
wait up
send \003
X
expect "Ctrl-C without --tty" "130 0" "$? $(grep -c 'not here' "$dir/out")"
$user /bin/bash-static --norc > "$dir/out" 2>&1 <<X
wait #
send $run_plain sh -c 'echo u''p; read x; echo got \$x'\n
wait up
send \032
wait Stopped
send echo here\n
wait here
wait here
send fg\n
wait read x
run sleep $NAP
send typed\n
wait got typed
send exit 6\n
X
st=$?
expect "Ctrl-Z and fg without --tty" 6 $st
[ $st = 6 ] || cat "$dir/out"
done_testing
