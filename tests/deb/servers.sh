#!/bin/bash
# Servers over TCP under load: nginx with curl and wget, redis with its benchmark, iperf3 both ways; in the long case postgresql
# with pgbench.
# kvm: short
. "$(dirname "$0")/common"
files=50 requests=500 seconds=1
[ -z "${TEST_FULL:-}" ] || files=1000 requests=20000 seconds=10
if [ "$PLATFORM" = kvm ]; then # the CPU is emulated: 3 GB of files would take a quarter of an hour
	files=10 requests=200 seconds=1
	[ -z "${TEST_FULL:-}" ] || files=50 requests=2000 seconds=5
fi
expect "nginx" "same
same
same
same
range
1.1 200
same
2 200
same
from python
from python
404
$files 3000000
same
curl: 7" "$(inside bash -c "$(body web)" web "$files" 2>&1)"
expect "redis" "7
Background saving started
7
7
1
rdb_last_bgsave_status:ok
OK
42
Connection refused" "$(inside bash -c "$(body redis_tcp)" redis_tcp "$requests" 2>&1)"
expect "iperf3" "done
done
done
done
done" "$(inside bash -c "$(body iperf)" iperf "$seconds" 2>&1)"
[ -n "${TEST_FULL:-}" ] || done_testing

expect "postgresql" "number of failed transactions: 0 (0.000%)
history complete
number of failed transactions: 0 (0.000%)
history complete
::1|5432
t
stopped" "$(inside bash -c "$(body postgres_tcp)" postgres_tcp "$seconds" 2>&1)"
done_testing
