#!/bin/bash
# The tools by which people look at a network, inside a sandbox: ss, tcpdump, ping, ip; with --full iperf3 both ways, curl
# and wget. What this machine has not is left out.
. "$(dirname "$0")/common"

have() {
	command -v "$1" >/dev/null
}
have python3 || skip "no python3"

# A listener with a connection, a named socket of AF_UNIX, and what ss says of them.
if have ss; then
	got=$(inside python3 -c '
import os, socket
l = socket.create_server(("127.0.0.1", 8000))
c = socket.create_connection(("127.0.0.1", 8000))
s = l.accept()[0]
c.send(b"hello")
u = socket.socket(socket.AF_UNIX)
u.bind("\0moat-tools")
u.listen(3)
d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
d.bind(("127.0.0.1", 53))
os.system("ss -Hltn; ss -Hulnp; ss -Hxl; ss -Htn sport = :8000; ss -Htni dport = :8000 | grep -o cubic")' |
		sed 's/users:(("\([^"]*\)".*/\1/; s/:[0-9]*$//' | awk '{ $1 = $1; print }' | sed 's/@moat-tools [0-9]*/@moat-tools/')
	expect "ss" 'LISTEN 0 128 127.0.0.1:8000 0.0.0.0:*
UNCONN 0 0 127.0.0.1:53 0.0.0.0:* python3
u_str LISTEN 0 3 @moat-tools * 0
ESTAB 5 0 127.0.0.1:8000 127.0.0.1
cubic' "$got"
fi

# Three datagrams on the loopback, by their interface and by all of them.
if have tcpdump; then
	for i in lo any; do
		got=$(inside sh -c 'tcpdump -n -q -c 3 -i '$i' udp port 9 2>/tmp/err & tool=$!
for k in $(seq 100); do grep -qs listening /tmp/err && break; sleep 0.2; done
python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in 1, 2, 3: s.sendto(bytes(n), (\"127.0.0.1\", 9))"
( sleep 10; kill $tool ) 2>/dev/null & wait $tool; grep captured /tmp/err' |
			sed 's/^[0-9:]*\.[0-9]* //; s/127.0.0.1.[0-9]* >/from >/; s/^lo *In *//')
		expect "tcpdump -i $i" 'IP from > 127.0.0.1.9: UDP, length 1
IP from > 127.0.0.1.9: UDP, length 2
IP from > 127.0.0.1.9: UDP, length 3
3 packets captured' "$got"
	done
fi

if have ping; then
	got=$(inside sh -c 'ping -c 2 -i 0.2 -q 127.0.0.1; ping -c 2 -i 0.2 -q ::1' | grep -o '[0-9]* received')
	expect "ping" '2 received
2 received' "$got"
fi

if have ip; then
	got=$(inside sh -c 'ip -br addr show lo; ip route get 127.0.0.1 | head -n 1; ip neigh' | awk '{ $1 = $1; print }')
	case $got in
	"lo UNKNOWN 127.0.0.1/8 ::1/128
local 127.0.0.1 dev lo"*) ;;
	*) expect "ip" "lo with its addresses, and a route to it" "$got" ;;
	esac
fi

[ -n "${TEST_FULL:-}" ] || done_testing

if have iperf3; then
	for way in "" -R; do
		inside sh -c "iperf3 -s -1 -p 5201 >/dev/null & sleep 0.5; iperf3 -c 127.0.0.1 -p 5201 -t 2 $way >/tmp/out 2>&1" ||
			expect "iperf3 $way" "exit status 0" "$?"
	done
fi
for tool in "curl -s" "wget -q -O -"; do
	have "${tool%% *}" || continue
	got=$(inside sh -c "cd /tmp; echo served >file; python3 -m http.server 8000 >/dev/null 2>&1 & 
for k in 1 2 3 4 5 6 7 8 9 10; do $tool http://127.0.0.1:8000/file && break; sleep 0.3; done; kill \$!")
	expect "$tool" served "$got"
done
done_testing
