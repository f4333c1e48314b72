#!/bin/bash
# port-forward: connections from the host to a server on a container's loopback, with half-closes; many at once; what is refused,
# and that nothing stays behind when the client, the server or the container ends.
. "$(dirname "$0")/common"
containers="c1 c2"
is_moat || skip "only moat has it"
command -v python3 > /dev/null || skip "needs python3 for its client"
${CC:-gcc} -std=gnu11 -O1 -static -o rootfs/bin/server "$here/port_server.c" || exit 1
script 'exec server'
for id in c1 c2; do moat run --detach $id < /dev/null > out.$id 2>&1; done
await 10 eval '[ "$(cat out.c1 out.c2)" = "ready
ready" ]'
expect "the servers" "ready ready" "$(echo $(cat out.c1 out.c2))"
forward() { timeout 100 "$MOAT" --root "$dir/state" --platform "$PLATFORM" port-forward "$@"; }

expect "--stream" "hello" "$(echo hello | forward --stream c1 7000)"
expect "--stream: half-close" 200000 "$(head -c 200000 /dev/zero | forward --stream c1 7001)"
expect "--stream: by ::1" six "$(forward --stream c1 7002 < /dev/null)"
echo before > appended
echo hello | forward --stream c1 7000 >> appended
expect "--stream: into a file that is appended to" "before hello" "$(echo $(cat appended))"
head -c 5000000 /dev/urandom > data
expect "--stream: 5 MB there and back" "$(md5sum < data)" "$(forward --stream c1 7000 < data | md5sum)"
expect "nothing listens" "moat: nothing listens at port 7777 in 'c1'
, 1" "$(forward --stream c1 7777 < /dev/null 2>&1; echo ", $?")"
expect "no such container" "moat: container 'nobody' does not exist" "$(forward --stream nobody 80 2>&1)"
expect "no port" "moat: port-forward: needs a container id and [ADDRESS:]LOCAL:PORT..., or --stream, an id and a port" \
	"$(forward --stream c1 2>&1)"
for word in x:80 1:2:3 80: :0 70000 "[::1:80"; do
	expect "malformed: $word" "moat: port-forward: '$word': must be [ADDRESS:]LOCAL:PORT or PORT" "$(forward c1 "$word" 2>&1)"
done

forward c1 0:7000 "[::1]:0:7001" 127.0.0.2:0:7777 0:7003 > ports 2> errors &
client=$!
await 10 eval '[ "$(wc -l < ports)" = 4 ]'
echo_port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) -> 7000$/\1/p' ports)
expect "the local port is in use" "moat: port-forward: '$echo_port:80': the local port is in use" \
	"$(forward c1 "$echo_port:80" 2>&1)"
expect "connections" "100 answered at once
counted 12345
refused: end of data
a stalled one, and others: answered
reset" "$(python3 "$here/port_forward.py" ports 2>&1)"
expect "a line for the refused one" "moat: nothing listens at port 7777 in 'c1'" "$(cat errors)"
command=$(pgrep -P "$(pgrep -P $client)")
await 20 eval '[ -z "$(pgrep -P $command)" ]'
expect "no process is left" "" "$(pgrep -P "$command")"
await 20 eval '[ "$(moat exec c1 ps | grep -c server)" = 6 ]'
expect "the server has seen every end, but where it does not read" 6 "$(moat exec c1 ps | grep -c server)"
expect "exec beside it" alive "$(moat exec c1 echo alive)"
moat kill c1 KILL
wait $client
expect "the container ends" "1 moat: container 'c1' has ended" "$? $(tail -n 1 errors)"
expect "a stopped container" "moat: container 'c1' is not running" "$(forward c1 0:80 2>&1)"
expect "its neighbour" hello "$(echo hello | forward --stream c2 7000)"
done_testing
