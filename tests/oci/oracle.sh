#!/bin/bash
# The same configurations and commands under runc and moat; see oracle.py.
. "$(dirname "$0")/../apps/common"
[ "$(id -u)" = 0 ] || skip "needs root"
[ -x /usr/sbin/runc ] || skip "needs runc, the oracle"
exec timeout -k 5 900 python3 "$(dirname "$0")/oracle.py" ${TEST_FULL:+--full}
