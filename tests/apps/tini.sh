#!/bin/sh
# tini as init: it reaps, forwards signals, passes the status on.
# files: /usr/bin/tini-static /bin/busybox
. "$(dirname "$0")/common"
expect "output" "child of tini" "$(inside /usr/bin/tini-static -- /bin/busybox echo child of tini)"
expect_status "status" 9 /usr/bin/tini-static -- /bin/busybox sh -c 'exit 9'
expect "orphans are reaped" "0" "$(inside /usr/bin/tini-static -- /bin/busybox sh -c '
for i in 1 2 3 4 5; do (sleep 0.05 & exec true) ; done; sleep 0.3
for i in $(seq 50); do n=$(ps -o stat= | grep -c Z); [ $n != 0 ] || break; sleep 0.1; done; echo $n')"
expect "a signal is passed on" "handled
3" "$(inside /usr/bin/tini-static -- /bin/busybox sh -c 'trap "echo handled; exit 3" TERM; kill -TERM 1; while :; do sleep 0.05; done'; echo $?)"
expect_status "a signal ends it" 143 /usr/bin/tini-static -- /bin/busybox sh -c 'kill -TERM 1; sleep 10'
done_testing
