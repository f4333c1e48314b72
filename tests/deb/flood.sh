#!/bin/bash
# A listener under a flood of SYNs whose senders do not exist: it goes on taking connections, and the flood stays nowhere.
# kvm: full
. "$(dirname "$0")/common"
count=20000
[ -z "${TEST_FULL:-}" ] || count=100000
expect "flood of $count" 'served
bounded
queue' "$(inside python3 -c "$(body flood.py)" "$count" 2>&1)"
done_testing
