#!/bin/bash
# A Debian tree read-write: what the sandbox did to it is there when it has ended, as Linux would have done it. As root and as
# another user; set-user-ID programs; programs installed for good.
. "$(dirname "$0")/common"
dir=$(mktemp -d)
trap '! mountpoint -q "$dir/root" || umount "$dir/root"; umount "$dir"; rmdir "$dir"' EXIT
# The upper layer of the machine's own overlay takes the changes: the tree itself serves other tests. A file that such an
# overlay copies up while it is open is another file to the gofer (ESTALE), so what is changed below is copied up before.
mount -t tmpfs none "$dir" && mkdir "$dir/up" "$dir/work" "$dir/root" &&
	mount -t overlay -o "lowerdir=$ROOT,upperdir=$dir/up,workdir=$dir/work" none "$dir/root" || skip "no overlay can be mounted"
chmod 755 "$dir"
find "$dir/root/etc" "$dir/root/var/log" "$dir/root/var/cache" -xdev -type f -exec touch -c -a {} +
rw() {
	"$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" --rw --env HOME=/root --env LANG=C.UTF-8 -- "$@"
}

count=1500 seeds="1 2 3"
[ -z "${TEST_FULL:-}" ] || count=20000 seeds="11 12 13 14 15 16"
for seed in $seeds; do
	want=$(python3 -c "$(body fileload.py)" "$dir/native$seed" "$seed" "$count")
	expect "load $seed: results" "$want" "$(rw python3 -c "$(body fileload.py)" "/srv/load$seed" "$seed" "$count" 2>&1)"
	got=$(python3 -c "$(body tree.py)" "$dir/root/srv/load$seed")
	expect "load $seed: the tree" "$(python3 -c "$(body tree.py)" "$dir/native$seed" | sha256sum)" "$(sha256sum <<< "$got")"
	# The same once more, in memory: the overlay's upper layer is a file system of its own.
	expect "load $seed in memory" "$want" "$(inside python3 -c "$(body fileload.py)" "/srv/load$seed" "$seed" "$count" 2>&1)"
done

expect "a user is made" 0 "$(rw bash -c 'useradd -m -u 1234 ann && echo kept > ~ann/file && chown ann: ~ann/file; echo $?')"
expect "the user, outside" "1234:1234 kept" "$(stat -c %u:%g "$dir/root/home/ann/file") $(cat "$dir/root/home/ann/file")"
expect "as another user" "ann
/home/ann
again
Permission denied
L" "$(rw setpriv --reuid ann --regid ann --init-groups --reset-env bash -c 'id -un; cd; pwd; echo again > file; cat file
{ echo no > /etc/no; } 2>&1 | grep -o "Permission denied"; passwd --status | cut -d" " -f2')"
expect "set-user-ID" "0 1234
1234 1234
1234 1234" "$(rw bash -c 'cp /usr/bin/python3 /usr/bin/suid; chmod 4755 /usr/bin/suid; p="import os; print(os.geteuid(), os.getuid())"
setpriv --reuid ann --regid ann --clear-groups suid -c "$p"; setpriv --reuid ann --regid ann --clear-groups --no-new-privs suid -c "$p"
mkdir /srv/t; mount -t tmpfs -o nosuid none /srv/t; cp -p /usr/bin/suid /srv/t; setpriv --reuid ann --regid ann --clear-groups /srv/t/suid -c "$p"')"
expect "mode, outside" 4755 "$(stat -c %a "$dir/root/usr/bin/suid")"
# The launcher itself need not be root's, and then nothing inside can be more than it is.
if command -v setpriv > /dev/null && setpriv --reuid 65534 --regid 65534 --clear-groups test -r "$ROOT/etc/passwd" -a -x "$MOAT"; then
	expect "an ordinary user's sandbox" "nobody 1" "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$MOAT" do --platform "$PLATFORM" \
		--rootfs "$ROOT" -- bash -c 'echo $(id -un) $(echo x > /tmp/y; wc -l < /tmp/y)')"
fi
done_testing
