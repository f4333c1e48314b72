#!/bin/bash
# A walk over a large tree: what the Sentry keeps of it stays below a bound, and is given back when a program needs the memory.
# files: /bin/busybox $BUILD/tests/apps/host_odd
. "$(dirname "$0")/common"
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || rm -rf "$dir"' EXIT
chmod 755 "$dir"
n=3000 folders=10 # of files in each folder
[ -z "${TEST_FULL:-}" ] || n=30000
mkdir -p "$dir/bin" "$dir/t"
cp /bin/busybox "$dir/bin"
for ((i = 0; i < folders; i++)); do
	mkdir "$dir/t/$i" && "$BUILD/tests/apps/host_odd" fill "$dir/t/$i" $n || exit 1
done

# used: MiB in use. After a walk that looks at every file at most 100 more; less again when a program took all there is, and ended.
walk='used() { awk "/MemTotal/ { t = \$2 } /MemFree/ { f = \$2 } END { print int((t - f) / 1024) }" /proc/meminfo; }
busybox --install -s /bin 2> /dev/null; before=$(used); find /t -type f -size -1 | wc -l; after=$(used)
[ $((after - before)) -le 100 ] && echo small || echo $((after - before)) MiB
exec 2> /dev/null
for m in $1; do dd if=/dev/zero of=/dev/null bs=${m}M count=1 && echo "all of it" && break; done; last=$(used)
[ "$last" -lt "$after" ] && echo "given back" || echo "$last MiB after $after"'
# The most that a program can have, in MiB; it differs by platform.
sizes="182 180 178 176 174 172 170 168 166"
for mode in "" --rw; do
	expect "a walk over $((n * folders)) files $mode" "$((n * folders))
small
all of it
given back" "$(MOAT_OPTS="--rootfs $dir --memory 192M $mode" inside /bin/busybox sh -c "$walk" sh "$sizes" 2>&1)"
done
done_testing
