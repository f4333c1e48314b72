#!/bin/bash
# Our gofer against the command-line clients of diod, a 9P2000.L server that we did not write: diodls, diodcat over a
# unix socket, sealed and read-only.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${BUILD:-build}/tests/interop
PATH=$PATH:/usr/sbin
command -v diodls >/dev/null || { echo 'no diod installed'; exit 77; }
mkdir -p "$out" || exit 1
${CC:-gcc} -std=gnu11 -O2 -g -D_GNU_SOURCE -I. -o "$out/gofer_stream.diod" tests/interop/server/gofer_stream.c \
	host/gofer/*.c host/error.c host/ring_dev.c -lseccomp -lpthread || exit 1
gofer=$(readlink -f "$out")/gofer_stream.diod

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir -p served/sub/deep
seq 1 200000 >served/sub/numbers
: >served/empty
ln -s sub served/link
for i in $(seq 300); do : >"served/sub/deep/file-number-$i"; done
failed=0
same() { # TEXT: two files must be equal
	cmp -s got want || { echo "FAIL: $1"; diff got want | head -5; failed=1; }
}

"$gofer" -s -r -n 4 served "$dir/sock" >log 2>&1 &
for i in $(seq 50); do grep -q listening log 2>/dev/null && break; sleep 0.05; done
diodcat -s "$dir/sock" -a / sub/numbers >got
cp served/sub/numbers want && same 'content of a file'
diodcat -s "$dir/sock" -a / empty >got
: >want && same 'an empty file'
diodls -s "$dir/sock" -a / sub/deep | sort >got
ls served/sub/deep | sort >want && same 'names of a large folder'
# diodls shows a link as a file
diodls -s "$dir/sock" -a / -l | awk '$NF !~ /^\.+$/ { print $1, $2, $5, $NF }' | sed 's/\. / /' | sort -k4 >got
(cd served && stat -c '%A %h %s %n' -- *) | sed 's/^l/-/' | sort -k4 >want && same 'attributes'
wait $! || { echo 'FAIL: the gofer ended with an error'; cat log; failed=1; }
exit $failed
