#!/bin/sh
# The kernel that answers is the Sentry, and the host's own /proc, /sys, /dev and /run are not inside.
# files: /bin/busybox
. "$(dirname "$0")/common"
case $(inside /bin/busybox uname -r) in
*-moat) ;;
*) expect "uname -r" "something-moat" "$(inside /bin/busybox uname -r)" ;;
esac
expect "dmesg" "1" "$(inside /bin/busybox dmesg | grep -c 'moat: Sentry')"
expect "pid" "1" "$(inside /bin/busybox sh -c 'cat /proc/self/stat > /tmp/x; echo $$')"
expect "processes" "1" "$(inside /bin/busybox ls /proc | grep -c '^[0-9]*$')"
expect "run" "lock" "$(inside /bin/busybox ls /run)"
expect "the host's files do not change" "1" "$(inside /bin/busybox sh -c 'echo x > /etc/moat-test; cat /etc/moat-test | wc -l')"
expect "the host's files did not change" "no" "$([ -e /etc/moat-test ] && echo yes || echo no)"
done_testing
