#!/bin/bash
# Every way a sandbox ends: signals, SIGKILL of each of its processes at any moment. Status as a shell would give, at
# most one line on stderr, and no process, mount or temporary file left behind.
# files: /bin/busybox
. "$(dirname "$0")/common"
B=/bin/busybox
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || rm -rf "$dir"' EXIT # a child that is killed right after the fork still has the trap
nap=0.5 rounds=3
[ -z "${TEST_FULL:-}" ] || rounds=40
[ "$PLATFORM" = systrap ] || nap=1 rounds=$((rounds / 3)) # the emulated machine is slow

# child PID N: its N-th child process, in order of birth: of the command 1 is the gofer and 2 the launcher, of the
# launcher on systrap 1 is the Sentry. Empty when there is none yet.
child() {
	local all=()
	{ read -r -a all < "/proc/$1/task/$1/children"; } 2> /dev/null
	echo "${all[$2 - 1]:-}"
}
[ -e /proc/self/task/$$/children ] || [ -e /proc/$$/task/$$/children ] || skip "the kernel shows no list of children"

# Processes that live on (a zombie whose parent we killed is init's to collect, not ours).
living() {
	local s name state n=0
	for s in /proc/[0-9]*/stat; do
		{ read -r _ name state _ < "$s"; } 2> /dev/null || continue
		case "$name $state" in
		*Z) ;;
		"(moat-launcher)"* | "(moat-gofer)"* | "(memfd:moat-sent)"*) echo "${s#/proc/}" ;;
		esac
	done | sort
}
before=$(living)

left_behind() {
	local now i
	for ((i = 0; i < 200; i++)); do
		now=$(living | grep -vxF -e "$before")
		[ -n "$now" ] || return
		sleep 0.05
	done
	# Another sandbox of this machine may have started meanwhile; only those that nobody waits for are ours.
	for now in $now; do
		{ read -r _ name _ ppid _ < "/proc/$now"; } 2> /dev/null || continue
		case $ppid in 1 | "$PPID" | $$) echo "$now $name" ;; esac
	done
}
mounts=$(count_mounts)
tmp=$(ls -A /tmp /dev/shm 2> /dev/null | grep -c moat)

# start SCRIPT [INPUT]: a shell in a sandbox in the background, its pid in $pid; wait until it says that it runs.
start() {
	mkfifo "$dir/said" 2> /dev/null
	"$MOAT" do --platform "$PLATFORM" -- $B sh -c "$1" > "$dir/said" 2> "$dir/err" < "${2:-/dev/null}" &
	pid=$!
	exec 8< "$dir/said"
	read -r -t 30 line <&8 || expect "start" up "$line"
}

# ended WHAT STATUS [LAST LINE]: how $pid ended and what the program still said.
ended() {
	local rest
	rest=$(cat <&8)
	wait "$pid" 2> /dev/null
	expect "$1: status" "$2" $?
	[ $# -lt 3 ] || expect "$1: output" "$3" "$rest"
	expect "$1: left behind" "" "$(left_behind)"
}

err_lines() { wc -l < "$dir/err"; }

loop='i=0; while [ $i -lt 400 ]; do sleep 0.05; i=$((i + 1)); done'
for s in HUP INT QUIT TERM USR1 USR2; do
	start "trap 'echo got $s; exit 3' $s; echo up; $loop"
	kill -$s $pid
	ended "SIG$s with a handler" 3 "got $s"
done

# pid 1 without a handler: the user's signal ends it, as a container's SIGKILL would
start "echo up; exec sleep 20"
kill -TERM $pid
ended "SIGTERM by default" 143
start "trap '' TERM; echo up; sleep $nap; echo on; exit 5" # long enough for the signal to come before the end
kill -TERM $pid
ended "SIGTERM ignored" 5 on

# A signal during start-up is not lost.
for ((i = 0; i < 5; i++)); do
	"$MOAT" do --platform "$PLATFORM" -- $B sleep 20 < /dev/null 2> "$dir/err" &
	pid=$!
	sleep 0.00$((i * 2))
	kill -TERM $pid
	wait $pid 2> /dev/null
	expect "SIGTERM during start" 143 $?
done

start "echo up; $loop"
kill -KILL $pid
ended "SIGKILL of the command" 137

start "echo up; $loop"
kill -KILL "$(child $pid 2)"
ended "SIGKILL of the launcher" 137
expect "SIGKILL of the launcher: message" "moat: the launcher was killed by signal 9" "$(cat "$dir/err")"

if [ "$PLATFORM" = systrap ]; then
	start "echo up; $loop"
	kill -KILL "$(child "$(child $pid 2)" 1)"
	ended "SIGKILL of the Sentry" 125
	expect "SIGKILL of the Sentry: message" "moat: systrap: the Sentry was killed by signal 9" "$(cat "$dir/err")"
fi

# Without its gofer a program goes on with what is in memory, its own pages too (hence the first turn); all else is EIO.
mkfifo "$dir/go" && exec 7<> "$dir/go"
start "work() {
	{ cat < \$1; ls \$2; } 2> /dev/shm/why; cat /dev/shm/why
	echo x > /dev/shm/new && read x < /dev/shm/new && echo \$x
}
work /bin/none /etc/none > /dev/null; echo up; read go; work /bin/no-such-file /etc/skel; exit 6" "$dir/go"
kill -KILL "$(child $pid 1)"
for ((i = 0; i < 200; i++)); do ! grep -q gofer "$dir/err" || break; sleep 0.05; done
echo go >&7
exec 7>&-
ended "SIGKILL of the gofer" 6 "sh: can't open /bin/no-such-file: Input/output error
ls: /etc/skel: Input/output error
x"
expect "SIGKILL of the gofer: lines" 1 "$(err_lines)"

# Each process at random moments, start-up included: its own end or that of a kill, never a hang (which the suite ends).
for ((i = 0; i < rounds; i++)); do
	for victim in command gofer launcher; do
		"$MOAT" do --platform "$PLATFORM" -- $B sh -c 'for i in 1 2 3 4 5; do sleep 0.01; done; exit 9' \
			> /dev/null 2> "$dir/err" < /dev/null &
		pid=$! v=
		case $victim in command) v=$pid ;; esac
		for ((k = 0; k < 2000; k++)); do
			[ -z "$v" ] || break
			case $victim in
			gofer) v=$(child $pid 1) ;;
			*) v=$(child $pid 2) ;;
			esac
		done
		case $((i % 2)) in 0) for ((k = RANDOM % 400; k > 0; k--)); do :; done ;; *) sleep 0.0$((RANDOM % 80 + 10)) ;; esac
		[ -z "$v" ] || kill -KILL "$v" 2> /dev/null
		wait $pid 2> /dev/null
		st=$?
		case $victim:$st in
		*:9 | command:137 | launcher:137 | gofer:12[567] | gofer:135) ;;
		*) expect "SIGKILL of the $victim at a random moment" "9 or its end" "$st: $(cat "$dir/err")" ;;
		esac
		[ "$(err_lines)" -le 2 ] || expect "SIGKILL of the $victim: lines" "two at most" "$(cat "$dir/err")"
	done
done
expect "processes left behind" "" "$(left_behind)"
expect "mounts" "$mounts" "$(count_mounts)"
[ "$PLATFORM" = systrap ] || expect "temporary files" "$tmp" "$(ls -A /tmp /dev/shm 2> /dev/null | grep -c moat)"
done_testing
