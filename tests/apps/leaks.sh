#!/bin/bash
# What the Sentry holds must not grow with the number of programs that ran: each ABI program is run again and again in one
# sandbox; open files, tasks, heap and anonymous memory are read in between with the name caches dropped. Reported is what
# grows in the last two readings of a program.
# files: /bin/busybox
. "$(dirname "$0")/common"
[ "$PLATFORM" = systrap ] || skip "on systrap only: the code is the same on kvm"
names="pipes fds execve fork_cow futex threads mmap sig_basic sig_wait epoll eventfd timerfd pty tmpfs links locks ns_net"
"$(dirname "$0")/../abi/run-native" --build-only $names > /dev/null || exit 1
[ -z "${TEST_FULL:-}" ] || names=$(cd "$BUILD/tests/abi" && for f in *; do
	case $f in oom | prior | stress | hostile_cpu | *.*) ;; *) [ ! -x "$f" ] || echo "$f" ;; esac
done)

# The heap grows by up to 28 bytes with each process number that is used for the first time, until the numbers wrap: 24 of
# them are its slot in the table (guest/task/pid.c), the rest was not found yet. That much is taken off.
read -r -d '' script << 'END'
sample() {
	echo 3 > /proc/sys/vm/drop_caches
	read -r files _ < /proc/sys/fs/file-nr
	read -r _ _ _ tasks pid < /proc/loadavg
	slab=$(awk '/^Slab:/ { print $2 }' /proc/meminfo) anon=$(awk '/^AnonPages:/ { print $2 }' /proc/meminfo)
	waiting=$(awk '/^TCP:/ { print $7 }' /proc/net/sockstat)
	echo "$1 $files ${tasks#*/} $((slab - pid * 28 / 1024)) $anon $waiting"
}
for name; do
	[ -x "$dir/$name" ] || continue
	for turn in 0 1 2 3; do
		for i in 1 2 3; do "$dir/$name" > /dev/null 2>&1; done
		sample "$name"
	done
done
[ -z "$settle" ] || { sleep 65; sample end; }
END

# Connections wait for a minute in TIME_WAIT (RFC 9293): with --full the heap must be back, but for 2 MiB of what is made
# once, when they are gone, and a program that leaves more of them from one reading to the next is not judged before by it, nor
# by AnonPages: that is what is neither page cache nor heap, so the slack of the heap's pages is in it.
# The first reading of a program may hold what is made once. Slack: a page of heap, a shell's pages, per reading.
judge() {
	awk 'function verdict(k) {
		for (k = 2; k <= 5; k++) {
			if (grown[k] >= 2) print name " leaks " what[k] ": " last[k] " at the end"
			grown[k] = 0
		}
	}
	{
		if ($1 != name) { verdict(); name = $1; n = 0 }
		if (NR == 1) start = $4
		if (name == "end" && $4 > start + 2048) print "the heap was " start " at first and is " $4 " at the end"
		n++
		for (k = 2; k <= 5; k++) {
			grown[k] = n > 2 && $k > last[k] + slack[k] && !(k >= 4 && $6 > waiting) ? grown[k] + 1 : 0
			last[k] = $k
		}
		waiting = $6
	}
	END { verdict() }
	BEGIN { split(". files tasks heap memory", what, " "); slack[4] = 8; slack[5] = 64 }'
}
got=$("$MOAT" do --platform "$PLATFORM" --env MOAT_SANDBOX=1 --env TMPDIR=/tmp --env dir="$BUILD/tests/abi" --env settle="${TEST_FULL:-}" -- \
	/bin/busybox sh -c "$script" sh $names < /dev/null 2> /dev/null)
[ "$(echo "$got" | wc -l)" -ge 20 ] || expect "readings" "20 or more" "$got"
expect "leaks" "" "$(echo "$got" | judge)"
done_testing
