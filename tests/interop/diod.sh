#!/bin/bash
# The Sentry's 9P client against diod, a 9P2000.L server that we did not write: the client, the VFS and the page cache as
# in the unit test test_fs_p9, on a tree that diod serves: reading, writing, names, links, renames, 1,500 files.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
PATH=$PATH:/usr/sbin
command -v diod > /dev/null || { echo 'no diod installed (make deps)'; exit 77; }
tests/run --only test_fs_p9 unit || exit 1 # builds it
"$BUILD/unit/test_fs_p9/test_fs_p9" diod
