#!/bin/bash
# stress-ng with its own checks: a second a class in the long case, four classes of every kind at once in the short one.
# kvm: full
. "$(dirname "$0")/common"
if [ -n "${TEST_FULL:-}" ]; then
	expect "stress-ng" finished "$(inside bash -c "$(body stress)" stress 4)"
else
	expect "stress-ng" 0 "$(inside stress-ng --temp-path /tmp --verify -t 3 --cpu 1 --vm 1 --vm-bytes 32M --fork 1 --pipe 1 --futex 1 \
		--mmap 1 --mmap-bytes 8M --signal 1 --timer 1 --timerfd 1 --hdd 1 --hdd-bytes 8M > /dev/null 2>&1; echo $?)"
fi
done_testing
