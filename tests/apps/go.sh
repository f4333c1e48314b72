#!/bin/sh
# A static Go program: threads, futexes, signals of the runtime.
# files: /usr/sbin/gosu /bin/busybox
. "$(dirname "$0")/common"
expect "identity" "65534" "$(inside /usr/sbin/gosu 65534:65534 /bin/busybox id -u)"
expect_status "status" 5 /usr/sbin/gosu 65534:65534 /bin/busybox sh -c 'exit 5'
done_testing
