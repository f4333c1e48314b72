#!/bin/bash
# A walk over a large tree: a name that it looks at costs the Sentry at most 256 bytes, all that it keeps stays below a bound, and
# is given back when a program needs the memory.
# files: /bin/busybox $BUILD/tests/apps/host_odd
. "$(dirname "$0")/common"
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || rm -rf "$dir"' EXIT
chmod 755 "$dir"
n=500 folders=64 # of files in each folder
[ -z "${TEST_FULL:-}" ] || folders=600
mkdir -p "$dir/bin" "$dir/t"
cp /bin/busybox "$BUILD/tests/apps/host_odd" "$dir/bin"
for ((i = 0; i < folders; i++)); do
	mkdir "$dir/t/$i" && "$BUILD/tests/apps/host_odd" fill "$dir/t/$i" $n || exit 1
done

# used: KiB in use. What a name costs is what looking at 24 folders adds when as many listings are kept already as ever are
# (all are read once, which looks at no file). After a walk that looks at every file at most 100 MiB more; less again when a
# program took all there is, and ended.
walk='used() { awk "/MemTotal/ { t = \$2 } /MemFree/ { f = \$2 } END { print t - f }" /proc/meminfo; }
busybox --install -s /bin 2> /dev/null; before=$(used)
for d in /t/*; do host_odd count $d > /dev/null; done; listed=$(used)
for d in $(seq 24); do find /t/$d -type f -size -1 > /dev/null; done; looked=$(used)
each=$(((looked - listed) * 1024 / (24 * $2)))
[ $each -le 256 ] && [ $each -ge 64 ] && echo "a name is small" || echo $each bytes a name
find /t -type f -size -1 | wc -l; after=$(used)
[ $((after - before)) -le $((100 * 1024)) ] && echo small || echo $((after - before)) KiB
exec 2> /dev/null
for m in $1; do dd if=/dev/zero of=/dev/null bs=${m}M count=1 && echo "all of it" && break; done; last=$(used)
[ "$last" -lt "$after" ] && echo "given back" || echo "$last KiB after $after"'
# The most that a program can have, in MiB; it differs by platform.
sizes="182 180 178 176 174 172 170 168 166"
for mode in "" --rw; do
	expect "a walk over $((n * folders)) files $mode" "a name is small
$((n * folders))
small
all of it
given back" "$(MOAT_OPTS="--rootfs $dir --memory 192M $mode" inside /bin/busybox sh -c "$walk" sh "$sizes" $n 2>&1)"
done
done_testing
