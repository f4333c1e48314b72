#!/bin/bash
# What makes sandboxes of its own inside: bwrap as root and as a user, unshare, nsenter.
# kvm: short
. "$(dirname "$0")/common"
expect "namespaces" '--- unshare
1 ps
--- nsenter
sleep
ps
root of it
--- user
0 1
private
covered
--- bwrap
0 2 inner
Read-only file system
empty
gone with its init
--- bwrap as a user
1000 2
      1000          0          1
Read-only file system
exit 7
--- net
lo
down
unknown
1
served
served' "$(inside bash -c "$(body namespaces)" 2>&1)"
done_testing
