#!/bin/bash
# Many execs: a hundred at once, readiness probes back to back after which nothing has grown, and streams of files in and out as
# `kubectl cp` makes them.
. "$(dirname "$0")/common"
ln -s busybox rootfs/bin/tar
ln -s busybox rootfs/bin/sha256sum
script 'sleep 10000'
moat run --detach c1 < /dev/null > /dev/null 2>&1
pid=$(moat state c1 | jq .pid)
run() { "$MOAT" --root "$dir/state" exec "$@"; }

for ((i = 0; i < 100; i++)); do
	run c1 sh -c "echo $i; exit $i" < /dev/null > "out.$i" 2>&1 &
	pids[i]=$!
done
bad=
for ((i = 0; i < 100; i++)); do
	wait "${pids[i]}"
	[ $? = $i ] && [ "$(cat out.$i)" = $i ] || bad+="$i: $(cat out.$i); "
done
expect "a hundred at once" "" "$bad"

# A stream of files into the container and out of it.
mkdir tree
head -c 30000000 /dev/urandom > tree/big
for ((i = 0; i < 200; i++)); do echo $i > tree/file$i; done
ln -s big tree/link
tar -c tree | run c1 tar -x -C /tmp
expect "files in" "$(sha256sum < tree/big)" "$(run c1 sh -c 'sha256sum < /tmp/tree/big')"
expect "how many, a link" "202 big" "$(run c1 sh -c 'echo $(ls /tmp/tree | wc -l) $(readlink /tmp/tree/link)')"
mkdir back
run c1 tar -c -C /tmp tree | tar -x -C back
expect "files out" "" "$(diff -r tree back/tree)"
run c1 rm -r /tmp/tree

# The host's processes of the container: how many, their descriptors, KiB of their own memory; what is in use of the sandbox's RAM,
# and how much of that the host has, which may be a MiB or two more, as free memory goes back in large blocks.
family() {
	local p=$1 c
	echo "$p"
	for c in $(cat /proc/"$p"/task/*/children 2> /dev/null); do family "$c"; done
}
held() {
	local p n=0 fds=0 kib=0 ram=0
	for p in $(family "$pid"); do
		n=$((n + 1))
		fds=$((fds + $(find "/proc/$p/fd" -mindepth 1 2> /dev/null | wc -l)))
		kib=$((kib + $(field Pss_Anon "/proc/$p/smaps_rollup")))
		ram=$((ram + $(field Pss_Shmem "/proc/$p/smaps_rollup")))
	done
	# The least of three: what ended just now is not all given back yet.
	echo "$n $fds $kib $ram $(for i in 1 2 3; do
		sleep 0.5
		run c1 cat /proc/meminfo | awk '/^MemTotal/ { n += $2 } /^MemFree/ { n -= $2 } END { print n }'
	done | sort -n | head -n 1)"
}
field() { awk -v n="$1:" '$1 == n { print $2 }' "$2"; }
probes() { # COUNT
	local i bad=0
	for ((i = 0; i < $1; i++)); do
		run c1 true < /dev/null > /dev/null 2>&1 || bad=$((bad + 1))
	done
	[ $bad = 0 ] || echo "$bad of $1 failed"
}
count=300
[ -z "${TEST_FULL:-}" ] || count=3600
expect "the first probes" "" "$(probes 200)"
read -r n fds kib ram used <<< "$(held)"
expect "$count probes" "" "$(probes $count)"
read -r n2 fds2 kib2 ram2 used2 <<< "$(held)"
expect "processes and descriptors" "$n $fds" "$n2 $fds2"
[ $((kib2 - kib)) -lt 64 ] || expect "growth of the processes in KiB" "below 64" $((kib2 - kib))
[ $((used2 - used)) -lt 64 ] || expect "growth inside in KiB" "below 64" $((used2 - used))
[ $((ram2 - ram)) -lt 2048 ] || expect "growth of what the host has of the RAM in KiB" "below 2048" $((ram2 - ram))
expect "processes inside" 1 "$(moat ps c1 | tail -n +2 | wc -l)"
done_testing
