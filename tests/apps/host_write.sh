#!/bin/bash
# What write(2) promises of a file on the host, when the write is long and goes there in parts: what it returned is there,
# whatever becomes of the sandbox, and nothing else.
# files: $BUILD/tests/apps/host_write
. "$(dirname "$0")/common"
W=$BUILD/tests/apps/host_write
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || { umount "$dir/a" "$dir/b" 2> /dev/null; rm -rf "$dir"; }' EXIT
chmod 755 "$dir"
mkdir "$dir/root" "$dir/a" "$dir/b"
cp "$W" "$dir/root/write"
MOAT_OPTS="--rootfs $dir/root --rw"

# ---- the launcher dies in the middle of it ----
mkfifo "$dir/said"
# shellcheck disable=SC2086
"$MOAT" do --platform "$PLATFORM" $MOAT_OPTS -- /write log /log > "$dir/said" 2> "$dir/err" &
pid=$!
exec 8< "$dir/said"
n=0
while [ $n -lt 10 ] && read -r -t 30 n <&8; do :; done
read -r -a children < "/proc/$pid/task/$pid/children"
kill -KILL "${children[1]}"
while read -r -t 30 n <&8; do last=$n; done
wait $pid
expect "killed: status" 137 $?
[ "${last:-10}" -lt 100 ] || expect "killed: in the middle" "fewer than 100" "$last"
expect "killed: what was written" "all there" "$("$W" check "$dir/root/log" "${last:-10}")"
rm "$dir/root/log"

# ---- one that succeeds, and others that a full disk cuts short: as on Linux ----
expect "long" "1000001 
size 1000001, position 1000001
1000001 to read, the same
then 1000001 " "$(inside /write once /file 1000001)"
for size in 512k 1m; do
	mount -t tmpfs -o size=$size none "$dir/a" 2> /dev/null && mount -t tmpfs -o size=$size none "$dir/b" || break
	native=$("$W" once "$dir/a/file" 3000001)
	expect "full: Linux" "then -1 No space left on device" "$(tail -n 1 <<< "$native")"
	expect "full at $size" "$native" "$(MOAT_OPTS="$MOAT_OPTS --mount type=bind,src=$dir/b,dst=/b" inside /write once /b/file 3000001)"
	cmp "$dir/a/file" "$dir/b/file" || expect "full at $size" "the same file" "another"
	umount "$dir/a" "$dir/b"
done
done_testing
