#!/bin/bash
# linux.resources inside: memory is what MemTotal, the control group and the OOM killer know, the CPU quota is what nproc counts, pids.limit
# ends forks. An OOM kill is exit status 137, in `events` and in the counters of the host's control group.
. "$(dirname "$0")/common"
run() { # SCRIPT
	script "$1"
	moat run c1 2>&1
}
cp config.json base.json

edit '.linux.resources.memory = {limit: 134217728} | .linux.resources.cpu = {quota: 100000, period: 100000} | .linux.resources.pids = {limit: 20}'
expect "memory and CPUs agree" "yes 1 1 100000 100000 20" "$(run 'm=$(sed -n "s/^MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo)
	c=$(cat /sys/fs/cgroup/memory.max)
	[ $((m * 1024)) = $c ] && [ $c -le 134217728 ] && [ $c -gt 100000000 ] && echo yes
	nproc; grep -c ^processor /proc/cpuinfo; cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max' | tr '\n' ' ' | sed 's/ $//')"
expect "pids.limit" "sh: can't fork: Resource temporarily unavailable" \
	"$(run 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do sleep 2 & done' | head -n 1)"
expect "which counts the dead until they are reaped" "4 2" "$(run 'n() { read n < /sys/fs/cgroup/pids.current; echo $n; }
	(for i in 1 2; do true & done; exec sleep 0.5) & sleep 0.2; a=$(n); wait; echo $((a - 1)) $(n)')"
script 'tail /dev/zero'
moat run c1 > /dev/null 2>&1
expect "out of memory: status" 137 $?
script 'tail /dev/zero & wait $!; echo survived $?'
expect "a child's end is its own" "survived 137" "$(moat run c1 2> /dev/null)"

script 'read x; tail /dev/zero; sleep 100'
mkfifo in
moat run --detach c1 < in > /dev/null 2>&1 &
exec 3> in
await 10 is running
wait %1
moat events --interval 200ms c1 > events 2> /dev/null &
update() { moat update "$@" c1 && moat exec c1 sh -c 'cd /sys/fs/cgroup; echo $(cat pids.max) $(($(cat memory.max) / 1000000))'; }
expect "update" "7 87" "$(update --memory 100000000 --memory-swap 100000000 --pids-limit 7)"
expect "update of nothing else" "8 87" "$(update --pids-limit 8)"
expect "update to no limit" "max 87" "$(update --pids-limit -1)"
expect "forks that failed, kills" "0 0" "$(moat exec c1 sh -c 'cd /sys/fs/cgroup; echo $(sed -n "s/^max //p" pids.events) $(sed -n "s/^oom_kill //p" memory.events)')"
echo go >&3
expect "an oom event" 0 "$(await 20 grep -q '"type":"oom"' events; echo $?)"
moat kill c1 KILL
await 10 is stopped
moat delete --force c1
wait
cp base.json config.json
done_testing
