#!/bin/bash
# TCP against Linux's own netem in the emulated machine, both ways, one impairment at a time: the bytes must be right and the
# time at most three times that of Linux in the sandbox's place, and 5 s (one timeout more or less). net_lossy.sh does more of it
# natively, with a relay of ours.
# files: /usr/sbin/ip /usr/sbin/tc
[ -n "${LAB_INSIDE:-}" ] || . "$(dirname "$0")/common"
[ "$PLATFORM" = kvm ] || skip "net_lossy.sh has it for this platform; the kernel here need not have netem"
PATH=/usr/sbin:$PATH # the true ip
for tool in ip tc busybox; do
	command -v $tool > /dev/null || skip "no $tool here"
done
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${LAB_INSIDE:-}" ] || LAB_NETS=3 exec "$here/../net/lab.sh" "$here/net_netem.sh"
. "$here/../net/namespaces"
must_have_left "$LAB_INSIDE"
. "$here/common"
tc qdisc add dev v1 root netem 2> /dev/null || skip "this kernel has no netem"
tc qdisc del dev v1 root
dir=$(mktemp -d /tmp/net-netem.XXXXXX)
trap 'rm -rf "$dir"' EXIT
# netem loses whole frames of 64 KiB if it gets them.
for n in 1 2 3; do
	ip -n n$n link set eth0 gso_max_segs 1
done

# transfer SYSTEM DIRECTION: milliseconds, or what went wrong. n2 is the peer of a sandbox in n1, or of Linux in n3.
transfer() {
	side=(ip netns exec n3)
	[ "$1" = linux ] || side=("$MOAT" do --platform "$PLATFORM" --net host-netns:n1 --)
	if [ "$2" = send ]; then
		from="cat $dir/data > /dev/tcp/10.9.0.12/7000"
		into="busybox nc -l -p 7000 > $dir/got"
		listener=(ip netns exec n2) sender=("${side[@]}")
	else
		from="exec 3<> /dev/tcp/10.9.0.12/7000; exec cat <&3"
		into="busybox nc -l -p 7000 < $dir/data"
		listener=(ip netns exec n2) sender=("${side[@]}")
	fi
	timeout 90 "${listener[@]}" bash -c "$into" < /dev/null &
	waiting=$!
	sleep 0.3
	start=${EPOCHREALTIME/./}
	if [ "$2" = send ]; then
		timeout 90 "${sender[@]}" bash -c "$from"
		wait $waiting
	else
		timeout 90 "${sender[@]}" bash -c "$from" > "$dir/got"
		kill $waiting 2> /dev/null
		wait $waiting
	fi
	end=${EPOCHREALTIME/./}
	[ "$(sha256sum < "$dir/got")" = "$want" ] || echo "$(stat -c %s "$dir/got") bytes, not all of them right,"
	echo $(((end - start) / 1000))
}

# check NAME BYTES NETEM-OPTION...
check() {
	name=$1
	head -c "$2" /dev/urandom > "$dir/data"
	want=$(sha256sum < "$dir/data")
	shift 2
	for n in 1 2 3; do
		tc qdisc replace dev v$n root netem limit 1000 "$@"
	done
	for direction in send fetch; do
		linux=$(transfer linux $direction 2> "$dir/err")
		ours=$(transfer moat $direction 2>> "$dir/err")
		expect "$name, $direction, Linux $linux ms" ok "$([ "$ours" -le $((linux * 3 + 5000)) ] 2> /dev/null && echo ok || echo "$ours ms"; cat "$dir/err")"
		[ -z "${TEST_VERBOSE:-}" ] || echo "$name, $direction: Linux $linux ms, moat $ours ms"
	done
}

check "loss 1 %" 3000000 loss 1%
if [ -n "${TEST_FULL:-}" ]; then
	check "loss 10 %" 500000 loss 10%
	check "delay 50 ms" 3000000 delay 50ms
	check "reordering" 3000000 delay 10ms reorder 25% 50%
	check "duplication" 3000000 duplicate 5%
	check "rate 20 Mbit" 3000000 rate 20mbit
fi
done_testing
