#!/bin/bash
# Our gofer against a 9P client that we did not write: Linux's v9fs, in the emulated machine with Debian's full kernel.
# The workload is v9fs_guest.sh; here it is built, brought in and started once for each way of serving
# (arguments; default: sealed and read-only, all with TEST_FULL=1).
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
out=$BUILD/tests/interop
mkdir -p "$out" || exit 1

[ -f third_party/vm/full/vmlinuz ] || { echo 'no third_party/vm/full: run make deps'; exit 1; }
${CC:-gcc} -std=gnu11 -O2 -g -D_GNU_SOURCE -DMOAT_HOST=1 -I. -static -o "$out/gofer_stream" tests/interop/server/gofer_stream.c \
	host/gofer/*.c host/error.c host/ring_dev.c -lseccomp -lcap -lpthread || exit 1
objcopy --strip-debug "$out/gofer_stream" "$out/gofer_stream.small" || exit 1

ways=(sealed readonly)
[ -z "${TEST_FULL-}" ] || ways=(plain cached small sealed readonly)
[ $# = 0 ] || ways=("$@")
exec tests/vm/run --kernel full --module 9p --module 9pnet_fd --timeout "${V9FS_TIMEOUT:-150}" --add "$out/gofer_stream.small:/bin/gofer_stream" \
	--add tests/interop/v9fs_guest.sh:/bin/v9fs_guest sh /bin/v9fs_guest "${ways[@]}"
