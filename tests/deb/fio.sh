#!/bin/bash
# fio with checksums, each engine that blocks or uses threads.
# kvm: full
. "$(dirname "$0")/common"
engines="sync psync pvsync pvsync2 vsync mmap splice posixaio" size=512k
[ -z "${TEST_FULL:-}" ] || size=64m
expect "fio" finished "$(inside bash -c "$(body fio)" fio $size $engines)"
done_testing
