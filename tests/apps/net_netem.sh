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

# n4 lies behind a router, on a link with a smaller MTU. Frames that are too large for the end of a veth pair vanish there.
ip netns add n4
ip link add v4 type veth peer name eth0 netns n4
ip addr add 10.10.0.1/24 dev v4
ip link set v4 up
ip -n n4 addr add 10.10.0.2/24 dev eth0
ip -n n4 link set eth0 up
ip -n n4 route add default via 10.10.0.1 advmss 1460
ip netns exec n4 ip link set eth0 gso_max_segs 1
echo 1 > /proc/sys/net/ipv4/ip_forward

# transfer SYSTEM DIRECTION: milliseconds, or what went wrong. n2 is the peer of a sandbox in n1, or of Linux in n3.
peer=n2 address=10.9.0.12
transfer() {
	side=(ip netns exec n3)
	[ "$1" = linux ] || side=("$MOAT" do --platform "$PLATFORM" --net host-netns:n1 --)
	if [ "$2" = send ]; then
		from="echo 1 > /proc/sys/net/ipv4/tcp_mtu_probing; cat $dir/data > /dev/tcp/$address/7000"
		into="busybox nc -l -p 7000 > $dir/got"
		listener=(ip netns exec $peer) sender=("${side[@]}")
	else
		from="exec 3<> /dev/tcp/$address/7000; exec cat <&3"
		into="busybox nc -l -p 7000 < $dir/data"
		listener=(ip netns exec $peer) sender=("${side[@]}")
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

# told: what the two said; of a crash report as much as whoever reads the end of a log will see, without registers.
told() {
	grep -v '^  *r[0-9a-z]* ' "$dir/err" | head -16
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
	for direction in ${directions:-send fetch}; do
		linux=$(transfer linux $direction 2> "$dir/err")
		ours=$(transfer moat $direction 2>> "$dir/err")
		expect "$name, $direction, Linux $linux ms" ok "$([ "$ours" -le $((linux * 3 + 5000)) ] 2> /dev/null && echo ok || echo "$ours ms"; told)"
		[ -z "${TEST_VERBOSE:-}" ] || echo "$name, $direction: Linux $linux ms, moat $ours ms"
	done
}

check "loss 1 %" 3000000 loss 1%
peer=n4 address=10.10.0.2 directions=send
ip link set v4 mtu 1400
check "a path of 1400 bytes" 3000000 delay 1ms
ip link set v4 mtu 1500
ip -n n4 link set eth0 mtu 1400
ip -n n3 route flush cache # it has heard of the MTU
check "a path that swallows more than 1400 bytes" 1000000 delay 1ms
peer=n2 address=10.9.0.12 directions=
if [ -n "${TEST_FULL:-}" ]; then
	check "loss 10 %" 500000 loss 10%
	check "delay 50 ms" 3000000 delay 50ms
	check "reordering" 3000000 delay 10ms reorder 25% 50%
	check "duplication" 3000000 duplicate 5%
	check "rate 20 Mbit" 3000000 rate 20mbit
fi
done_testing
