#!/bin/bash
# Two containers of one sandbox, as a pod has them: each its own root, processes, exit status, and names, IPC objects, process
# numbers where its configuration has a namespace of its own; limits hold for each alone.
. "$(dirname "$0")/common"
containers="c1 c2 c3"
mkdir "$dir/c2" "$dir/c3"
first=$PWD/rootfs
edit '.annotations = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": "c1"} | .hostname = "pod"
	| .linux.resources.pids = {limit: 50} | .linux.sysctl = {"kernel.shmmni": "321"}'
script 'trap "exit 3" TERM; while :; do sleep 0.1; done'
moat run --detach c1 < /dev/null > /dev/null 2>&1
expect "the sandbox" 0 $?
pid=$(moat state c1 | jq .pid)
cp -r rootfs config.json "$dir/c2"
cp -r rootfs config.json "$dir/c3"

# Shares names and IPC with the first, by path, as CRI says it; process numbers of its own.
cd "$dir/c2" || exit 1
edit '.annotations["io.kubernetes.cri.container-type"] = "container" | del(.hostname, .linux.sysctl) | .linux.namespaces = [{type: "pid"}, {type: "mount"},
	{type: "network", path: "/proc/\($p)/ns/net"}, {type: "ipc", path: "/proc/\($p)/ns/ipc"}, {type: "uts", path: "/proc/\($p)/ns/uts"}]' \
	--argjson p "$pid"
mkdir -p "$dir/c2/rootfs/hook"
edit '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "sed -n \"s/.*pid.: \\([0-9]*\\).*/\\1/p\" > /hook/pid"], env: ["PATH=/bin"]}]'
script 'echo $(hostname) $$ $(ls -d /proc/[0-9]* | head -n 1) $(grep -l "e[x]it 3" /proc/[0-9]*/cmdline | wc -l) $(cat /proc/sys/kernel/shmmni); exit 4'
expect "shared names and IPC, own processes" "pod 1 /proc/1 0 321" "$(moat run c2 2>&1)"
moat run c2 > /dev/null 2>&1
expect "its own status" 4 $?
expect "a hook knows the first process by its number inside" 1 "$(cat rootfs/hook/pid)"
edit '.linux.namespaces |= map(if .type == "pid" then .path = "/proc/\($p)/ns/pid" else . end)' --argjson p "$pid"
script 'echo $$'
expect "in shared ones, too" "$(moat run c2 2> /dev/null)" "$(cat rootfs/hook/pid)"
edit '.mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
script 'cd /sys/fs/cgroup && mkdir -p a/b/c d && echo 0 > a/b/c/cgroup.procs && cat /proc/self/cgroup && sleep 100 &
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -qs . /sys/fs/cgroup/a/b/c/cgroup.procs && ps | grep -q "sleep 10[0]" && break; sleep 0.2
	done
	ls -d /sys/fs/cgroup/a/b/*/'
expect "own control groups" "0::/a/b/c
/sys/fs/cgroup/a/b/c/" "$(moat run c2 2>&1)"
expect "of which it leaves none" "0::/a/b/c
/sys/fs/cgroup/a/b/c/" "$(moat run c2 2>&1)"
edit 'del(.hooks) | .linux.namespaces |= map(if .type == "pid" then del(.path) else . end)'

# All its own.
cd "$dir/c3" || exit 1
edit '.annotations["io.kubernetes.cri.container-type"] = "container" | .hostname = "three" | del(.linux.sysctl) | .linux.namespaces = [{type: "pid"}, {type: "mount"},
	{type: "network", path: "/proc/\($p)/ns/net"}, {type: "ipc"}, {type: "uts"}] | .linux.resources = {pids: {limit: 6}, memory: {limit: 67108864}}' --argjson p "$pid"
script 'while :; do sleep 100 & wait; done' # it reaps, else the orphans of what runs in it would count on
moat run --detach c3 < /dev/null > /dev/null 2>&1
expect "a third" 0 $?
expect "own name and IPC, in an exec too" "three 4096 1" \
	"$(moat exec c3 sh -c 'echo $(hostname) $(cat /proc/sys/kernel/shmmni) $(grep -lx sh /proc/1/comm | wc -l)' 2>&1)"
expect "the first's stay" "pod 321" "$(moat exec c1 sh -c 'echo $(hostname) $(cat /proc/sys/kernel/shmmni)' 2>&1)"
expect "own limit of processes" "sh: can't fork: Resource temporarily unavailable" \
	"$(moat exec c3 sh -c 'for i in 1 2 3 4 5 6; do sleep 1 & done; wait' 2>&1)"
expect "which is not the first's" ok "$(moat exec c1 sh -c 'for i in 1 2 3 4 5 6; do sleep 1 & done; wait; echo ok' 2>&1)"
truncate -s 150M rootfs/big "$first/big"
moat exec c1 cat /big /big > /dev/null
expect "files are read through it, and leave the other's cache alone" "157286400 yes" "$(moat exec c3 sh -c 'cat /big | wc -c' 2>&1) $(
	moat exec c1 sh -c 'm=$(sed -n "s/^Cached: *\([0-9]*\) kB/\1/p" /proc/meminfo); [ $m -gt 140000 ] && echo yes')"
moat exec c3 tail /dev/zero > /dev/null 2>&1
expect "own limit of memory" 137 $?
expect "of which the other has more" 100000000 "$(moat exec c1 sh -c 'head -c 100000000 /dev/zero | tail -c 100000000 | wc -c' 2>&1)"
expect "both know theirs" "yes yes" "$(moat exec c3 sh -c 'm=$(sed -n "s/^MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo); [ $m -lt 65536 ] && echo yes') $(
	moat exec c1 sh -c 'm=$(sed -n "s/^MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo); [ $m -gt 200000 ] && echo yes')"
moat exec -t c1 sh -c 'tty; sleep 60' < /dev/null > tty 2>&1 &
await 5 grep -q /dev/pts tty
expect "a terminal is seen where it is" "$(basename "$(tr -d '\r' < tty)") ptmx" "$(moat exec c1 sh -c 'echo $(ls /dev/pts)')"
expect "and only there" ptmx "$(moat exec c3 sh -c 'echo $(ls /dev/pts)')"
expect "own control group" "6 1" "$(moat exec c3 sh -c 'cd /sys/fs/cgroup; echo $(cat pids.max) $(grep -cx 1 cgroup.procs)')"
expect "the sleeper lives" running "$(status c3)"
moat kill c3 KILL
await 5 is stopped c3
expect "the others go on" "running running" "$(status c1) $(moat exec c1 sh -c 'echo running')"
moat delete --force c3
moat kill c1 TERM
await 5 is stopped c1
moat delete c1
expect "nothing is left" "" "$(moat list --quiet)"
done_testing
