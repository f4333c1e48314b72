#!/bin/bash
# A running sandbox over its control socket: processes put into a container, further containers, terminals, what happens when
# a connection closes, and that nothing is left of a thousand processes.
# files: /bin/busybox $BUILD/tests/chan_client
. "$(dirname "$0")/common"
dir=$(mktemp -d)
trap 'kill $pid 2> /dev/null; rm -rf "$dir"' EXIT
B=/bin/busybox
client="$BUILD/tests/chan_client $dir"
[ -x "$BUILD/tests/chan_client" ] || skip "no $BUILD/tests/chan_client: make test-programs"

mkdir -p "$dir/root/bin"
cp $B "$dir/root/bin"
"$MOAT" do --platform "$PLATFORM" --control "$dir" -- $B sleep 1000 2> "$dir/err" &
pid=$!
for ((i = 0; i < 400; i++)); do $client exec do $B true 2> /dev/null && break; sleep 0.05; done

expect "exec: output" hello "$($client exec do $B echo hello)"
$client exec do $B sh -c 'exit 7'
expect "exec: status" 7 $?
$client exec do $B sh -c 'kill -9 $$'
expect "exec: signal" 137 $?
expect "exec: input" data "$(echo data | $client exec do $B cat)"
$client exec do /no/such 2> /dev/null
expect "exec: no program" 127 $?
$client exec other $B true 2> /dev/null
expect "exec: no container" 124 $?
expect "exec: terminal" "/dev/pts/0 24 80" "$($client tty do $B sh -c 'tty; stty size' < /dev/null | tr -d '\r' | xargs)"
expect "burst" "100 jobs, 0 wrong" "$($client burst do 100 100000)"

$client drop do $B sleep 777
for ((i = 0; i < 100; i++)); do $client pids do | grep -q " 777" || break; sleep 0.05; done
expect "drop" "1 0 0 busybox" "$($client pids do)"

expect "create: output" "bin dev proc run sys" "$($client create one "$dir/root" /bin/busybox ls / | xargs)"
$client create one "$dir/root" /bin/busybox sh -c 'exit 5'
expect "create: status" 5 $?
$client create one "$dir/root" /no/such 2> /dev/null
expect "create: no program" 127 $?
$client create two "$dir/root" /bin/busybox sleep 1000 &
two=$!
for ((i = 0; i < 200; i++)); do $client exec two /bin/busybox true 2> /dev/null && break; sleep 0.05; done
expect "create: its own tree" "" "$($client exec two /bin/busybox ls /etc 2> /dev/null)"
$client create two "$dir/root" /bin/busybox true 2> /dev/null
expect "create: the name is taken" 124 $?
$client signal two 15 0
wait $two
expect "signal" 143 $?

n=300
[ -z "$TEST_FULL" ] || n=3600
$client loop do 100 $B true
before=$($client stats do | sed -n 's/^memory //p')
$client loop do $n $B true
expect "loop: status" 0 $?
after=$($client stats do | sed -n 's/^memory //p')
# The table of process numbers grows by 24 bytes with each that is used for the first time (guest/task/pid.c).
grown=$((after - before - n * 24))
[ $grown -ge 65536 ] || grown=no
expect "loop: growth, bytes" no "$grown"

kill -TERM $pid
wait $pid
expect "the end" 143 $?
expect "the end: lines" "" "$(cat "$dir/err")"
done_testing
