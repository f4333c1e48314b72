#!/bin/bash
# fio with checksums, the engines of asynchronous system calls.
# kvm: full
. "$(dirname "$0")/common"
size=512k
[ -z "${TEST_FULL:-}" ] || size=64m
expect "fio" finished "$(inside bash -c "$(body fio)" fio $size libaio io_uring)"
done_testing
