#!/bin/bash
# A disk with faults below a volume: EIO, EDQUOT, reads that take long or do not come back; the rest of the sandbox goes on, and
# it ends when it is told to.
# files: /bin/busybox $BUILD/tests/apps/host_disk
. "$(dirname "$0")/common"
B=/bin/busybox
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || { umount -l "$dir/disk" 2> /dev/null; kill $disk 2> /dev/null; rmdir "$dir/disk"; rm -f "$dir"/*; rmdir "$dir"; }' EXIT
chmod 755 "$dir"
mkdir "$dir/disk"
mkfifo "$dir/said"
"$BUILD/tests/apps/host_disk" "$dir/disk" > "$dir/said" 2> "$dir/err" &
disk=$!
read -r -t 20 line < "$dir/said"
[ "$line" = mounted ] || skip "no FUSE: $(cat "$dir/err")"
MOAT_OPTS="--mount type=bind,src=$dir/disk,dst=/disk"

expect "faults" "what is there
Input/output error
Input/output error
Disk quota exceeded
Disk quota exceeded
what is there" "$(inside $B sh -c 'cat /disk/good
cat /disk/eio 2>&1 | grep -o "Input.*"; dd if=/dev/zero of=/disk/eio bs=10 count=1 conv=notrunc 2>&1 | grep -o "Input.*"
dd if=/dev/zero of=/disk/quota bs=10 count=1 conv=notrunc 2>&1 | grep -o "Disk.*"; { echo x > /disk/new; } 2>&1 | grep -o "Disk quota.*"
cat /disk/good')"

# Of a long write, which goes in parts, nothing is written behind the one that fails.
expect "a part of a write" "1
65536" "$(inside $B sh -c 'dd if=/dev/zero of=/disk/hole bs=512k count=1 conv=notrunc 2>&1 | grep -c Input; stat -c %s /disk/hole')"
expect "a part of a write, from outside" 65536 "$(stat -c %s "$dir/disk/hole")"

expect "a slow disk" "meanwhile
what is there" "$(inside $B sh -c 'cat /disk/slow & echo meanwhile; wait')"

# What waits for a disk waits as Linux's processes do; but whoever ends the sandbox need not.
# shellcheck disable=SC2086
timeout -s KILL 3 "$MOAT" do --platform "$PLATFORM" $MOAT_OPTS -- $B cat /disk/stuck > /dev/null 2>&1
expect "a disk that hangs: killed" 137 $?
for ((i = 0; i < 100; i++)); do
	[ "$(cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' ' ' | grep -c "src[= ]$dir/disk")" != 0 ] || break
	sleep 0.1
done
expect "a disk that hangs: the end" "soon" "$([ $i -lt 100 ] && echo soon || echo "not in ten seconds")"
done_testing
