#!/bin/sh
# qemu-user: a large static program that maps memory wildly, here to run a program for arm64.
# files: /usr/bin/qemu-aarch64-static third_party/arm64/busybox
. "$(dirname "$0")/common"
guest=$(cd "$(dirname "$0")/../.." && pwd)/third_party/arm64/busybox
[ -f "$guest" ] || guest=third_party/arm64/busybox
[ -f "$guest" ] || skip "third_party/arm64/busybox is missing: run make deps"
[ -f "$guest" ] && case $guest in /*) ;; *) guest=$PWD/$guest ;; esac
expect "machine" "aarch64" "$(inside /usr/bin/qemu-aarch64-static "$guest" uname -m)"
expect "work" "338350" "$(inside /usr/bin/qemu-aarch64-static "$guest" awk 'BEGIN { for (i = 1; i <= 100; i++) s += i * i; print s }')"
if [ -n "${TEST_FULL:-}" ]; then # its own fork, pipe, signals and files, all translated
	expect "a shell" "$(seq 200 | sort | md5sum)
42 trapped" "$(inside /usr/bin/qemu-aarch64-static "$guest" sh -c 'seq 200 | sort | md5sum
trap "t=trapped" USR1; kill -USR1 $$; (exit 42); echo $? $t')"
fi
done_testing
