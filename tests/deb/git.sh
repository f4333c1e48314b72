#!/bin/bash
# git: init, commit, gc, fsck, status, clone. The long case has 2,000 files.
# kvm: short
. "$(dirname "$0")/common"
files=300
[ -z "${TEST_FULL:-}" ] || files=2000
expect "git" "0
$((files / 10))
2
same" "$(inside bash -c "$(body git)" git "$files" 2>&1)"
done_testing
