#!/bin/bash
# port-forward: connections from the host to a server on a container's loopback, with half-closes; many at once; what is
# refused, and that nothing stays behind when the client, the server or the container ends. Then the same from inside the
# container's network namespace on the host, where an engine dials 127.0.0.1 itself.
. "$(dirname "$0")/common"
containers="c1 c2 c3"
ns=moat-forward-$$
trap 'cleanup; ip netns del $ns 2> /dev/null' EXIT
is_moat || skip "only moat has it"
for tool in python3 ip nsenter ss; do
	command -v $tool > /dev/null || skip "needs $tool"
done
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

# An engine's way: a network namespace with no more than lo, which has one address besides the loopback's.
ip netns add $ns || failures=1
ip -n $ns link set lo up
ip -n $ns address add 192.0.2.1/32 dev lo
edit '.linux.namespaces |= map(if .type == "network" then .path = $n else . end)' --arg n /run/netns/$ns
there() { nsenter --net=/run/netns/$ns timeout 100 "$@" 2>&1; }
dial() {
	there bash -c 'exec 3<> "/dev/tcp/$1/$2" && echo hello >&3 && read -r line <&3 && echo "$line"' - "$@" | sed 's/.*: //'
}
expect "there, before" "Connection refused" "$(dial 127.0.0.1 7000 | tail -n 1)"
moat run --detach c3 < /dev/null > out.c3 2>&1
await 10 grep -q ready out.c3
standin=$(moat state c3 | jq .pid)
expect "there: 127.0.0.1" hello "$(dial 127.0.0.1 7000)"
expect "there: ::1" hello "$(dial ::1 7000)"
# It reads nothing: whoever says something to it may get a reset before its answer.
expect "there: 127.0.0.1, to a server at ::1" six "$(there bash -c 'read -r line < /dev/tcp/127.0.0.1/7002; echo "$line"')"
expect "there: nothing listens" "Connection reset by peer" "$(dial 127.0.0.1 7777)"
expect "there: another address than the loopback's" "Connection refused" "$(dial 192.0.2.1 7000 | tail -n 1)"
listener=$(there ss -Hltn | sed -n 's/.*\*:\([0-9]*\) .*/\1/p')
expect "there: the listener itself, by that address" "Connection reset by peer" "$(dial 192.0.2.1 "$listener")"
cat > ports <<- END
	Forwarding from 127.0.0.1:7000 -> 7000
	Forwarding from [::1]:7001 -> 7001
	Forwarding from 127.0.0.2:7777 -> 7777
	Forwarding from 127.0.0.1:7003 -> 7003
END
expect "there: connections" "100 answered at once
counted 12345
refused: reset
a stalled one, and others: answered
reset" "$(there python3 "$here/port_forward.py" ports)"
relays() { ps -o comm= --ppid "$standin" | grep -c moat-forward; }
await 20 eval '[ "$(relays)" = 0 ]'
expect "there: no process is left" 0 "$(relays)"
there bash -c 'exec 3<> /dev/tcp/127.0.0.1/7003 && echo open && cat <&3' > stalled &
await 10 grep -q open stalled
expect "there: a connection is a process" 1 "$(relays)"
expect "there: without capabilities, with a filter" "0000000000000000 2" "$(echo $(awk '/^(CapEff|Seccomp):/ { print $2 }' \
	"/proc/$(pgrep -P "$standin" moat-forward)/status"))"
moat kill c3 KILL
await 10 is stopped c3
expect "there, after" "Connection refused" "$(dial 127.0.0.1 7000 | tail -n 1)"
wait $!
expect "there: no process is in the namespace" "" "$(ip netns pids $ns)"
expect "there: nothing listens any more" "" "$(there ss -Hlnt)"
done_testing
