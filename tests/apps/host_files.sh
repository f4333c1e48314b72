#!/bin/bash
# What may happen to a sandbox's files on the host: the gofer dies, a file is cut short while it is mapped, the disk is full.
# files: /bin/busybox $BUILD/tests/apps/host_files
. "$(dirname "$0")/common"
B=/bin/busybox
dir=$(mktemp -d)
full=
trap '[ $BASHPID != $$ ] || { [ -z "$full" ] || umount "$full"; rm -rf "$dir"; }' EXIT
chmod 755 "$dir"

# ---- a gofer that dies: EIO for what was not read yet, and a place for new files all the same ----
mkfifo "$dir/said" "$dir/go"
# The program's own pages have to be read before: that is what the first turn in /dev/shm is for.
"$MOAT" do --platform "$PLATFORM" -- $B sh -c '
work() {
	echo one > $1/new && cat $1/new; mkdir $1/d && echo two > $1/d/f && cat $1/d/f && rm $1/d/f $1/new &&
	rmdir $1/d && echo three > $2/made && cat $2/made
}
{ work /dev/shm /dev/shm; cat /etc/none; ls -d /tmp /etc; ls /dev/shm/none; } > /dev/null 2>&1
echo up; read go; cat /etc/no-such-file; work /tmp /etc; ls /etc > /dev/null; exit 6' \
	< "$dir/go" > "$dir/said" 2> "$dir/err" &
pid=$!
exec 7> "$dir/go" 8< "$dir/said"
read -r -t 30 line <&8
expect "start" up "$line"
read -r -a children < "/proc/$pid/task/$pid/children"
kill -KILL "${children[0]}"
for ((i = 0; i < 100; i++)); do
	grep -q gofer "$dir/err" && break
	sleep 0.05
done
echo go >&7
exec 7>&-
rest=$(cat <&8)
wait $pid
expect "without a gofer: status" 6 $?
expect "without a gofer: output" "one
two
three" "$rest"
expect "without a gofer: errors" "moat: the gofer (the sandbox's files answer EIO from now on) was killed by signal 9
cat: can't open '/etc/no-such-file': Input/output error
ls: can't open '/etc': Input/output error" "$(cat "$dir/err")"

# ---- a file of the root that is cut short while it is mapped ----
mkdir "$dir/root"
cp "$BUILD/tests/apps/host_files" "$dir/root/touch" 2> /dev/null ||
	${CC:-gcc} -std=gnu11 -O1 -static -o "$dir/root/touch" "$(dirname "$0")/host_files.c" || exit 1
for mode in "" --rw; do
	seq 1 300000 > "$dir/root/file"
	"$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" $mode -- /touch /file < "$dir/go" > "$dir/said" 2> "$dir/err" &
	pid=$!
	exec 7> "$dir/go" 8< "$dir/said"
	while read -r -t 30 line <&8; do [ "$line" != mapped ] || break; done
	expect "truncated: start" mapped "$line"
	truncate -s 600000 "$dir/root/file"
	echo go >&7
	exec 7>&-
	rest=$(cat <&8)
	wait $pid
	expect "truncated $mode: status" 0 $?
	expect "truncated $mode: output" "first data
before the new end data
behind it, same page zero
next page SIGBUS
last SIGBUS
read EIO" "$rest"
	expect "truncated $mode: errors" "" "$(cat "$dir/err")"
done

# ---- a full disk below --rw ----
mkdir "$dir/full"
if mount -t tmpfs -o size=4m,nr_inodes=40 none "$dir/full" 2> /dev/null; then
	full=$dir/full
	mkdir "$full/bin" && cp $B "$full/bin"
	got=$(MOAT_OPTS="--rootfs $full --rw" inside $B sh -c 'dd if=/dev/zero of=/big bs=64k count=200 2>&1 | grep -c "No space"
dd if=/dev/zero of=/big bs=1k count=1 2>&1 | grep -c "1+0 records out"
i=0; while true > /n$i; do i=$((i + 1)); [ $i -lt 100 ] || break; done 2>&1 | cut -d: -f3
rm /n* /big; echo again > /small; cat /small; mkdir /d && echo made')
	expect "a full disk" "1
1
 No space left on device
again
made" "$got"
	expect "a full disk, from outside" again "$(cat "$full/small")"
fi
done_testing
