#!/bin/bash
# TCP over a wire that loses, doubles, delays and swaps frames (tests/net/relay.c), in both directions, between a sandbox and a
# process of the host; and the same between two processes of the host. The bytes must be right, no wait longer than 10 s or
# Linux's (which looks for black holes more slowly), and the time at most three times Linux's and 5 s (one timeout more or less). NET_LOSSY=NAME runs one case and prints the times.
[ -n "${LAB_INSIDE:-}" ] || . "$(dirname "$0")/common"
[ "$(id -u)" = 0 ] || skip "needs root"
[ "$PLATFORM" = systrap ] || skip "one run of it is enough: the emulated machine has no TAP"
for tool in python3 ip unshare cc; do
	command -v $tool > /dev/null || skip "no $tool here"
done
[ -c /dev/net/tun ] || skip "no /dev/net/tun here"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../net/namespaces"
[ -n "${LAB_INSIDE:-}" ] || LAB_INSIDE=$(namespaces) exec unshare --net --mount "$here/net_lossy.sh"
must_have_left "$LAB_INSIDE"
. "$here/common"
mount -t tmpfs lab /run
mkdir -p /run/netns
dir=$(mktemp -d /tmp/net-lossy.XXXXXX)
trap 'kill $relay $server 2> /dev/null; wait; rm -rf "$dir"' EXIT
cc -O2 -o "$dir/relay" "$here/../net/relay.c" || exit 1
cp "$here/../net/transfer.py" "$dir/"

# wire OPTION...: n1 and n2 with a TAP each, and a relay between them
wire() {
	for n in 1 2; do
		ip netns add n$n
		ip -n n$n link set lo up
	done
	"$dir/relay" "$@" /run/netns/n1 /run/netns/n2 > "$dir/ready" &
	relay=$!
	for ((i = 0; i < 50; i++)); do
		! grep -qs ready "$dir/ready" || break
		sleep 0.1
	done
	for n in 1 2; do
		ip -n n$n link set eth0 mtu "${MTU:-1500}"
		ip -n n$n addr add 10.8.0.$n/24 dev eth0
		ip -n n$n addr add fd08::$n/64 dev eth0 nodad
		ip -n n$n link set eth0 up
		# The machine's own choice may be one that takes no notice of losses (BBR).
		ip netns exec n$n sysctl -qw net.ipv4.tcp_congestion_control=cubic 2> /dev/null ||
			ip netns exec n$n sysctl -qw net.ipv4.tcp_congestion_control=reno
		ip netns exec n$n sysctl -qw net.ipv4.tcp_mtu_probing=1
	done
	ip netns exec n2 python3 "$dir/transfer.py" serve 7000 > "$dir/server" &
	server=$!
	for ((i = 0; i < 50; i++)); do
		! grep -qs serving "$dir/server" || break
		sleep 0.1
	done
}

unwire() {
	kill $server $relay
	wait $server $relay
	ip netns del n1
	ip netns del n2
} 2> /dev/null

# transfer KIND DIRECTION BYTES: from n1, natively or in a sandbox
transfer() {
	if [ "$1" = linux ]; then
		timeout 100 ip netns exec n1 python3 "$dir/transfer.py" "$2" "${PEER:-10.8.0.2}" 7000 "$3" 2>&1
	else
		# shellcheck disable=SC2086
		timeout 100 "$MOAT" do --platform "$PLATFORM" ${MOAT_OPTS:-} --net host-netns:n1 -- \
			sh -c 'echo 1 > /proc/sys/net/ipv4/tcp_mtu_probing && exec "$@"' - \
			python3 "$dir/transfer.py" "$2" "${PEER:-10.8.0.2}" 7000 "$3" 2>&1
	fi
}

# check NAME BYTES RELAY-OPTION...
check() {
	name=$1 bytes=$2
	shift 2
	[ -z "${NET_LOSSY:-}" ] || [ "$NET_LOSSY" = "$name" ] || return
	wire "$@"
	for direction in send fetch; do
		# What is lost is chance, and may be what ends a connection of Linux, too: it has a second try.
		for _ in 1 2; do
			read -r verdict linux gap <<< "$(transfer linux $direction "$bytes")"
			[ "$verdict" != good ] || break
		done
		expect "$name, $direction, Linux" good "$verdict$([ "$verdict" = good ] || echo " $linux $gap")"
		linux_gap=$gap
		# A sandbox's silence of the namespace's own stack stays; so this comes second.
		sandbox[${#sandbox[@]}]="$name $direction $linux $linux_gap"
	done
	for direction in send fetch; do
		read -r verdict seconds gap <<< "$(transfer moat $direction "$bytes")"
		read -r linux linux_gap <<< "$(printf '%s\n' "${sandbox[@]}" | awk -v n="$name" -v d=$direction '$1 == n && $2 == d { print $3, $4 }')"
		expect "$name, $direction" good "$verdict$([ "$verdict" = good ] || echo " $seconds $gap")"
		[ -z "${NET_LOSSY:-}${TEST_FULL:-}" ] || echo "$name, $direction: $seconds s, longest wait $gap s; Linux $linux s"
		awk -v s="$seconds" -v l="$linux" -v g="$gap" -v lg="$linux_gap" 'BEGIN { exit !(s <= 3 * l + 5 && (g <= 10 || g <= lg + 2)) }' ||
			expect "$name, $direction: time" "at most 3 times Linux's $linux s and 5 s, no wait above 10 s or Linux's $linux_gap s and 2 s" "$seconds s, $gap s"
	done
	unwire
}

sandbox=()
big=10000000 small=1000000
[ -z "${TEST_FULL:-}" ] || big=100000000 small=3000000
check clean $big
check loss-1 $big --loss 1
check loss-10 $small --loss 10
check reorder 10000000 --reorder 5
check dup 10000000 --dup 5
if [ -n "${TEST_FULL:-}${NET_LOSSY:-}" ]; then
	check delay 20000000 --delay 25
	check rate 20000000 --rate 50
	check loss-delay 5000000 --loss 1 --delay 10
	MTU=576 check mtu-576 10000000
	MTU=9000 check mtu-9000 50000000
fi
# A path that takes less than the interfaces do: it says so, or it is a black hole.
check path-1400 10000000 --icmp 1400
PEER=fd08::2 check path6-1300 10000000 --icmp 1300
MTU=9000 check path-600 5000000 --icmp 600
check hole-1400 5000000 --mtu 1400
PEER=fd08::2 check hole6-1300 5000000 --mtu 1300
if [ -n "${TEST_FULL:-}${NET_LOSSY:-}" ]; then
	MTU=9000 check path-576 5000000 --icmp 576
	check hole-600 3000000 --mtu 600
	MTU=9000 check hole-1500 10000000 --mtu 1500
fi
done_testing
