#!/bin/bash
# Two sandboxes in two network namespaces on one bridge, over packet sockets: the host and each other over IPv4 and IPv6, what
# the namespace's own stack no longer answers, an interface that vanishes, and namespaces that are refused.
# files: /usr/bin/curl /usr/sbin/ip /usr/sbin/tc
[ -n "${LAB_INSIDE:-}" ] || . "$(dirname "$0")/common"
[ "$(id -u)" = 0 ] || skip "needs root"
# Python there, or busybox in the emulated machine: a server of files, and somebody who takes a connection.
serve=(python3 "$(dirname "$0")/../net/serve.py" 8000)
listen=(python3 -c 'import socket; s = socket.socket(); s.bind(("", 9)); s.listen(); s.accept()')
if [ "$PLATFORM" = kvm ]; then
	PATH=/usr/sbin:$PATH # the true ip
	serve=(busybox httpd -f -p 8000 -h)
	listen=(busybox nc -l -p 9)
fi
for tool in "${serve[0]}" curl ip tc unshare; do
	command -v $tool > /dev/null || skip "no $tool here"
done
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${LAB_INSIDE:-}" ] || exec "$here/../net/lab.sh" "$here/net_bridge.sh"
. "$here/../net/namespaces"
must_have_left "$LAB_INSIDE"
. "$here/common"
dir=$(mktemp -d /tmp/net-bridge.XXXXXX)
trap 'kill $server $listener 2> /dev/null; rm -rf "$dir"' EXIT
head -c 3000000 /dev/urandom > "$dir/big"
echo hello > "$dir/small"

filters() {
	ip netns exec n2 tc filter show dev eth0 ingress 2> /dev/null | grep -c 'handle 0x1'
}

# await CMD...: until it succeeds, for 30 s
await() {
	for ((i = 0; i < 300; i++)); do
		! "$@" > /dev/null 2>&1 || return 0
		sleep 0.1
	done
	expect "$*" "success in 30 s" "none"
}
listens() { "${@:2}" cat /proc/net/tcp /proc/net/tcp6 | grep -q ":$(printf %04X "$1") 0*:0000 0A"; } # PORT [COMMAND...]
has_filter() { [ "$(filters)" = 1 ]; }

moat() {
	timeout 100 "$MOAT" do --platform "$PLATFORM" "$@"
}

"$MOAT" do --platform "$PLATFORM" --net host-netns:n1 --pcap "$dir/pcap" --net-stats -- "${serve[@]}" "$dir" > "$dir/out" 2> "$dir/err" &
server=$!
for ((i = 0; i < 100; i++)); do
	! curl -s -m 5 http://10.9.0.11:8000/small > "$dir/got" || break
	sleep 0.1
done
expect "from the host" hello "$(cat "$dir/got")"
curl -sS -m 20 http://10.9.0.11:8000/big | cmp - "$dir/big" || failures=$((failures + 1))
ping -c 1 -W 5 -q 10.9.0.11 > "$dir/ping" || expect "ping" answers "$(cat "$dir/ping")"
ping -c 1 -W 5 -q fd09::11 > "$dir/ping" || expect "ping over IPv6" answers "$(cat "$dir/ping")"
expect "from another sandbox, over four pairs of queues" "hello
0" "$(moat --net host-netns:n2 --net-queues 4 -- sh -c "curl -sS -m 5 http://10.9.0.11:8000/small; curl -sS -m 20 http://10.9.0.11:8000/big | cmp - $dir/big; echo \$?" 2>&1)"
expect "interface inside" "10.9.0.12/24 fd09::12/64" "$(moat --net host-netns:n2 -- ip -br addr show eth0 2>&1 | grep -o '10.9.0.12/24\|fd09::12/64' | xargs)"
expect "files in /etc" "$(grep -s '^nameserver' /etc/resolv.conf | grep -v ' 127\.\| ::1$'
printf '10.9.0.12 moat\nfd09::12 moat\nmoat')" "$(moat --net host-netns:n2 -- sh -c 'grep ^nameserver /etc/resolv.conf; grep moat /etc/hosts | tr "\t" " "; cat /etc/hostname' 2>&1)"
expect "addresses outside" "10.9.0.12/24" "$(ip -n n2 -br addr show eth0 | grep -o '10.9.0.12/24')"
# What a sandbox wrote before its end arrives, with the connection's end, though the reader takes its time.
busybox nc -l -p 7100 > "$dir/tail" < /dev/null &
listener=$!
await listens 7100
kill -STOP $listener
(sleep 1; kill -CONT $listener) &
moat --net host-netns:n2 -- bash -c "exec head -c 200000 $dir/big > /dev/tcp/10.9.0.1/7100" || failures=$((failures + 1))
for ((i = 0; i < 200; i++)); do
	kill -0 $listener 2> /dev/null || break
	sleep 0.1
done
expect "what was sent before the end" 200000 "$(stat -c %s "$dir/tail")"
! kill $listener 2> /dev/null || expect "the reader" "has seen the end" "waits"
# While a sandbox has it, nobody else answers there; afterwards the namespace's own stack does again.
ip netns exec n2 "${listen[@]}" &
listener=$!
await listens 9 ip netns exec n2
"$MOAT" do --platform "$PLATFORM" --net host-netns:n2 -- sleep 60 &
owner=$!
await has_filter
sleep 1
curl -sS -m 5 http://10.9.0.12:9/ > "$dir/silent" 2>&1
expect "the sandbox answers, which has no such port" 7 $?
kill $owner
wait $owner
timeout 5 bash -c 'exec 3<> /dev/tcp/10.9.0.12/9'
expect "the namespace's own stack, afterwards" 0 $?
expect "filters, afterwards" 0 "$(filters)"
kill $listener 2> /dev/null
wait $listener

# Two sandboxes on one interface; and one that is killed, whose filter stays until the next sandbox there has ended.
"$MOAT" do --platform "$PLATFORM" --net host-netns:n2 -- sleep 60 &
owner=$!
await has_filter
expect "a second sandbox" "moat: --net host-netns:n2: another sandbox has the interface eth0" "$(moat --net host-netns:n2 -- true 2>&1)"
expect "filters, still" 1 "$(filters)"
kill -KILL $owner
wait $owner 2> /dev/null
expect "filters after a kill" 1 "$(filters)"
expect "the next one there" hello "$(moat --net host-netns:n2 -- curl -sS -m 5 http://10.9.0.11:8000/small 2>&1)"
expect "filters after the next one" 0 "$(filters)"

# The interface goes away: the sandbox lives on, without it.
ip netns del n1
ip link del v1
sleep 0.3
kill -0 $server || expect "sandbox without its interface" "alive" "gone"
kill -TERM $server
wait $server
expect "server's status" 143 $?
expect "statistics" 2 "$(grep -c '^moat: net .* 0 refused' "$dir/err")"
[ "$(stat -c %s "$dir/pcap")" -gt 3000000 ] || expect "pcap" "more than 3,000,000 bytes" "$(stat -c %s "$dir/pcap")"

expect "unknown namespace" "moat: --net host-netns: /run/netns/nope: No such file or directory" "$(moat --net host-netns:nope -- true 2>&1)"
ip netns add bare
expect "no namespace" "moat: --net host-netns:/etc/passwd: it is no network namespace" "$(moat --net host-netns:/etc/passwd -- true 2>&1)"
expect "no interface" "moat: --net host-netns:bare: the network namespace has no Ethernet interface that is up" "$(moat --net host-netns:bare -- true 2>&1)"
expect "the caller's own" 1 "$(moat --net host-netns:/proc/self/ns/net -- true 2>&1 | grep -c 'own network namespace\|namespace of pid 1')"
expect "the caller's own, unnamed" 0 "$(tc filter show dev br0 ingress 2> /dev/null | wc -l)"
done_testing
