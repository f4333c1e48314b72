#!/bin/bash
# A tour: programs of this machine on moat's own kernel. `make demo` runs it; BUILD names the build folder.
set -u
moat=${BUILD:-build}/moat
status=0
[ -x "$moat" ] || { echo "demo: $moat is absent: run make" >&2; exit 1; }
step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }

# A command line as one would type it.
show() {
	local word
	printf '$ moat do --'
	for word; do
		case $word in *[!-A-Za-z0-9_./:=,@%+]* | '') printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
	done
	echo
}

# run STATUS PROG ARG...: in a sandbox; the tour fails if it does not end so.
run() {
	local want=$1 got
	shift
	show "$@"
	"$moat" do -- "$@"
	got=$?
	[ "$got" = "$want" ] || { echo "demo: status $got instead of $want" >&2 && status=1; }
}

step "Which platforms work here?"
"$moat" doctor || status=1
step "A busybox shell. The kernel that answers is moat's Sentry."
run 0 /bin/busybox sh -c 'uname -a; dmesg | tail -6; echo; cat /proc/version; ps'
step "Files of this machine, read through the gofer; writes stay in memory, /run and /dev are the sandbox's own."
run 0 /bin/busybox sh -c 'head -1 /etc/os-release; echo changed > /etc/hostname; cat /etc/hostname; ls /run /dev | xargs'
printf 'outside: '
cat /etc/hostname
step "Outside are jailed processes with an empty root. Only the gofer has this machine's files."
show /bin/busybox sleep 9
"$moat" do -- /bin/busybox sleep 9 &
pid=$!
sleep 0.5
for p in $(cat "/proc/$pid/task/$pid/children"); do
	awk '/^(Name|CapEff|NoNewPrivs|Seccomp):/ { printf "%s %s  ", $1, $2 }' "/proc/$p/status"
	echo "files in its root: $(ls "/proc/$p/root/" | wc -l)"
done
kill "$pid"
wait "$pid" 2> /dev/null
step "bash: a coprocess and 200 forks."
run 0 /bin/bash-static -c 'coproc cat; echo ping >&${COPROC[1]}; read x <&${COPROC[0]}; echo "coproc says $x"
n=0; for ((i = 0; i < 200; i++)); do (exit 0) && ((++n)); done; echo "$n forks"'
step "A static Go program: threads and futexes."
run 0 /usr/sbin/gosu nobody /bin/busybox id
step "qemu-user, which maps memory wildly, runs a program for arm64."
run 0 /usr/bin/qemu-aarch64-static "$PWD/third_party/arm64/busybox" uname -m
step "Exit status passes through."
run 42 /bin/busybox sh -c 'exit 42'
[ "$status" != 0 ] || printf 'status 42\n\nYour turn: %s do --tty -- bash\n' "$moat"
exit "$status"
