#!/bin/sh
# A static Go program: threads, futexes, signals of the runtime.
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
done_testing
