#!/bin/bash
# gcc and make -j: a program of 50 files.
# kvm: short
. "$(dirname "$0")/common"
expect "gcc" "1275
2
1276
made" "$(inside bash -c "$(body gcc)" 2>&1)"
done_testing
