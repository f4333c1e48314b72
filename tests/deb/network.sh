#!/bin/bash
# Clients and servers of the loopback, and what one looks at a network with: dig and dnsmasq, ssh and sshd, ss, tcpdump, ping, ip,
# curl and wget from nginx and from python, asyncio; the long case has Node's and Java's servers with their clients.
# kvm: full
. "$(dirname "$0")/common"
clients=50 requests=50
[ -z "${TEST_FULL:-}" ] || clients=500 requests=1000
# A thousand requests at once take the emulated CPU longer than the 60 s after which Node's servers answer 408.
[ "$PLATFORM" != kvm ] || requests=50
expect "dns" "10.1.2.3
fd00::1
10.1.2.3
253
status: REFUSED
fd00::1 c.moat.test" "$(inside bash -c "$(body dns)" 2>&1)"
expect "ssh" "127.0.0.1 127.0.0.1 2222
through its input
exit 3
/dev/tty
2
same
root@127.0.0.1: Permission denied (publickey,password,keyboard-interactive).
through the tunnel" "$(inside bash -c "$(body ssh)" 2>&1)"
expect "look" '--- ss
tcp LISTEN 127.0.0.1:8000 users:(("python3",pid=PID,fd=3))
tcp LISTEN [::1]:8001 users:(("python3",pid=PID,fd=4))
udp UNCONN 127.0.0.1:5300 users:(("python3",pid=PID,fd=5))
2
--- tcpdump
4 packets captured
4 IP from > 127.0.0.1.9: UDP, length 2
--- ping
2 received
2 received
1 received
--- ip
lo UNKNOWN 127.0.0.1/8 ::1/128
local 127.0.0.1 dev lo
lo UNKNOWN 127.0.0.1/8 10.9.0.1/24
1 received
1' "$(inside bash -c "$(body look)" 2>&1)"
expect "asyncio" "127.0.0.1 $clients
::1 $clients
tls $((clients / 10))
a datagram" "$(inside python3 -c "$(body echo.py)" "$clients" 2>&1)"
[ -n "${TEST_FULL:-}" ] || done_testing

size=$((requests * 200000))
expect "node" "http $size $size
post 6
https $size
h2c $size
h2 $size
pong" "$(inside bash -c "$(body node_net)" node_net "$requests" 2>&1)"
expect "java" "get $size
post 200000
echo hello
Connection refused
true" "$(MOAT_OPTS='--memory 1G' inside bash -c "$(body java_net)" java_net "$requests" 2>&1)"
done_testing
