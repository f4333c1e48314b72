#!/bin/bash
# Many open connections: no wake-up of a sandbox in which nothing happens, and as fast with many as with few.
. "$(dirname "$0")/common"
[ "$PLATFORM" = systrap ] || skip "what sleeps is counted on the host: one run of it is enough"
command -v python3 > /dev/null || skip "no python3 here"
dir=$(mktemp -d /tmp/net-idle.XXXXXX)
trap 'kill $sandbox 2> /dev/null; wait; rm -rf "$dir"' EXIT
cat > "$dir/many.py" <<'END'
import resource
import socket
import sys
import time

many = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (2 * many + 100, 2 * many + 100))
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen(128)
pairs = []


def connect():
    c = socket.create_connection(listener.getsockname())
    return c, listener.accept()[0]


def seconds(times):
    """Of so many messages there and back on the first connection, and so many connections made and ended."""
    a, b = pairs[0]
    start = time.monotonic()
    for _ in range(times):
        a.send(b'x')
        b.recv(1)
        b.send(b'y')
        a.recv(1)
    for _ in range(times // 10):
        c, s = connect()
        s.close()
        c.close()
    return time.monotonic() - start


def more(n):
    while len(pairs) < n:
        pairs.append(connect())
        pairs[-1][0].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


more(10)
few = min(seconds(5000) for _ in range(3))
more(many)
print('%.3f %.3f' % (few, min(seconds(5000) for _ in range(3))), flush=True)
time.sleep(60)
END
descendants() {
	echo "$1"
	for child in $(pgrep -P "$1"); do
		descendants "$child"
	done
}
switches() {
	for p in $(descendants $sandbox); do
		cat /proc/"$p"/task/*/status 2> /dev/null
	done | awk '/ctxt_switches/ { n += $2 } END { print n }'
}
many=1000
[ -z "${TEST_FULL:-}" ] || many=10000
"$MOAT" do --platform "$PLATFORM" -- python3 "$dir/many.py" $many > "$dir/out" 2> "$dir/err" &
sandbox=$!
for ((i = 0; i < 400; i++)); do
	[ ! -s "$dir/out" ] || break
	sleep 0.1
done
expect "what it said" "" "$(cat "$dir/err")"
read -r few more < "$dir/out"
awk -v f="$few" -v m="$more" 'BEGIN { exit !(f > 0 && m < 3 * f + 0.2) }' ||
	expect "time with $many connections" "at most three times that with 10, $few s" "$more s"
sleep 2
before=$(switches)
sleep 5
after=$(switches)
[ "$((after - before))" -le 5 ] || expect "times that something ran in 5 idle seconds" "at most 5" "$((after - before))"
done_testing
