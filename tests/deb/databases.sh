#!/bin/bash
# sqlite3 with a write-ahead log, redis with its two ways to persist, postgresql; each over unix sockets, each killed or crowded.
# kvm: short
. "$(dirname "$0")/common"
n=50 seconds=2 requests=2000
[ -z "${TEST_FULL:-}" ] || n=1000 seconds=30 requests=50000
expect "sqlite" "wal
$((4 * n))|$((4 * n))|$((4 * n))
ok
0|0|0
t.db" "$(inside bash -c "$(body sqlite)" sqlite "$n" 2>&1)"
expect "redis" "OK
OK
Background saving started
ok
ok
OK
same keys
42
RDB looks OK
All AOF files and manifest are valid" "$(inside bash -c "$(body redis)" redis "$requests" 2>&1)"
expect "postgresql" "number of failed transactions: 0 (0.000%)
history complete
t
20000
automatic recovery in progress
history complete
t
stopped" "$(inside bash -c "$(body postgres)" postgres "$seconds" 2>&1)"
done_testing
