#!/bin/bash
# A tour: programs of this machine on moat's own kernel. `make demo` runs it; BUILD names the build folder.
set -u
moat=${BUILD:-build}/moat
step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
run() {
	printf '$ moat do -- %s\n' "$*"
	"$moat" do -- "$@"
}

step "Which platforms work here?"
"$moat" doctor
step "A busybox shell. The kernel that answers is moat's Sentry."
run /bin/busybox sh -c 'uname -a; dmesg | tail -6; echo; cat /proc/version; ps'
step "Files of this machine, read through the gofer; writes stay in memory."
run /bin/busybox sh -c 'head -1 /etc/os-release; echo changed > /etc/hostname; cat /etc/hostname; ls /run | wc -l'
printf 'outside: '
cat /etc/hostname
step "bash: a coprocess and 200 forks."
run /bin/bash-static -c 'coproc cat; echo ping >&${COPROC[1]}; read x <&${COPROC[0]}; echo "coproc says $x"
n=0; for ((i = 0; i < 200; i++)); do (exit 0) && ((++n)); done; echo "$n forks"'
step "A static Go program: threads and futexes."
run /usr/sbin/gosu nobody /bin/busybox id
step "qemu-user, which maps memory wildly, runs a program for arm64."
run /usr/bin/qemu-aarch64-static "$PWD/third_party/arm64/busybox" uname -m
step "Exit status passes through."
run /bin/busybox sh -c 'exit 42'
echo "status $?"
