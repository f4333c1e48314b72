#!/bin/sh
# A static Go program: threads, futexes, signals of the runtime. And a server of Go's with a client: containerd, which answers
# over HTTP and gRPC.
# files: /usr/sbin/gosu /bin/busybox
. "$(dirname "$0")/common"
expect "identity" "65534" "$(inside /usr/sbin/gosu 65534:65534 /bin/busybox id -u)"
expect_status "status" 5 /usr/sbin/gosu 65534:65534 /bin/busybox sh -c 'exit 5'
expect "groups" "65534 0" "$(inside /usr/sbin/gosu 65534:0 /bin/busybox sh -c 'echo $(id -u) $(id -G)')"
expect_status "not found" 1 /usr/sbin/gosu 0 /no/such/program
rounds=5
[ -z "${TEST_FULL:-}" ] || rounds=100
# The runtime starts its threads each time; many at once.
expect "many" "$rounds" "$(inside /bin/busybox sh -c 'i=0
while [ $i -lt '$rounds' ]; do /usr/sbin/gosu nobody /bin/busybox id -un > /tmp/$i & i=$((i + 1)); done; wait; cat /tmp/[0-9]* | grep -c "^nobody$"')"

command -v containerd > /dev/null && command -v ctr > /dev/null && command -v curl > /dev/null && [ "$PLATFORM" = systrap ] || done_testing
pages=50
[ -z "${TEST_FULL:-}" ] || pages=2000
expect "a server" "go_goroutines
Server:
$pages 200
stopped" "$(inside sh -c 'mkdir /tmp/c && cd /tmp/c
cat > conf << END
version = 2
root = "/tmp/c/root"
state = "/tmp/c/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "/tmp/c/sock"
[metrics]
address = "127.0.0.1:1338"
END
containerd --config conf > log 2>&1 &
page=http://127.0.0.1:1338/v1/metrics
curl -s --retry 60 --retry-delay 1 --retry-connrefused $page | grep -o "^go_goroutines" || cat log
ctr --address sock version | grep "^Server:" || cat log
i=0
while [ $i -lt '$pages' ]; do printf "url=%s\noutput=/dev/null\n" $page; i=$((i + 1)); done > list
curl -s -Z --parallel-max 20 -K list -w "%{http_code}\n" 2> /dev/null | sort | uniq -c | sed "s/^ *//"
kill $! && wait $! && echo stopped' 2>&1)"
done_testing
