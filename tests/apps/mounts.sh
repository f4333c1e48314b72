#!/bin/sh
# `moat do --mount` and --overlay: directories and files of the host, memory with limits, what the host changes meanwhile, and
# what survives when the launcher is killed.
# files: /bin/busybox
. "$(dirname "$0")/common"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir -p "$dir/root/bin" "$dir/root/etc" "$dir/v/sub" "$dir/v/..1" "$dir/v/..2" "$dir/ro"
cp /bin/busybox "$dir/root/bin/busybox"
for c in sh cat ls echo dd stat mkdir rm mv ln touch df grep cut sed tail sleep sync; do
	ln -s busybox "$dir/root/bin/$c"
done
ln -s /bin "$dir/root/usrbin"
ln -s ../../../../../../.. "$dir/root/up"
echo inside > "$dir/v/f"
echo kept > "$dir/ro/f"
echo 'nameserver 192.0.2.1' > "$dir/resolv"
echo outside > "$dir/secret"

in_root() {
	"$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" "$@" 2>&1
}

# ---- directories and files, missing mount points, read-only ----
got=$(in_root --mount "type=bind,src=$dir/v,dst=/mnt/a/vol" --mount "type=bind,src=$dir/ro,dst=/mnt/ro,ro" \
	--mount "type=bind,src=$dir/resolv,dst=/etc/resolv.conf" \
	--mount "type=bind,src=$dir/ro/f,dst=/mnt/x/y/file,readonly" -- /bin/sh -c '
cat /mnt/a/vol/f /mnt/ro/f /etc/resolv.conf /mnt/x/y/file
echo more > /mnt/a/vol/new && echo search lan >> /etc/resolv.conf
mkdir /mnt/a/vol/sub/d && mv /mnt/a/vol/new /mnt/a/vol/sub/d/moved
echo bad > /mnt/ro/f; echo bad > /mnt/x/y/file; rm /mnt/ro/f; rm /etc/resolv.conf
ls /mnt/a/vol/.. ; cat /mnt/a/vol/../../../etc/resolv.conf
cut -d " " -f 5,6 /proc/self/mountinfo | grep -e /mnt -e /etc
echo "$(cut -d " " -f 2,3 /proc/mounts | grep mnt/a)"')
expect "binds" "inside
kept
nameserver 192.0.2.1
kept
/bin/sh: can't create /mnt/ro/f: Read-only file system
/bin/sh: can't create /mnt/x/y/file: Read-only file system
rm: can't remove '/mnt/ro/f': Read-only file system
rm: can't remove '/etc/resolv.conf': Device or resource busy
vol
nameserver 192.0.2.1
search lan
/mnt/a/vol rw,nosuid,nodev,relatime
/mnt/ro ro,nosuid,nodev,relatime
/etc/resolv.conf rw,nosuid,nodev,relatime
/mnt/x/y/file ro,nosuid,nodev,relatime
/mnt/a/vol 9p" "$got"
expect "binds: on the host" "more
nameserver 192.0.2.1
search lan
kept" "$(cat "$dir/v/sub/d/moved" "$dir/resolv" "$dir/ro/f")"
expect "the root stays as it was" "bin etc up usrbin" "$(ls "$dir/root" | tr '\n' ' ' | sed 's/ $//')"

# ---- a destination's links stay inside the root; nothing of a volume leads out of it ----
got=$(in_root --mount "type=bind,src=$dir/v,dst=/up/up/srv/vol" --mount "type=tmpfs,dst=/usrbin/t" -- /bin/sh -c '
cat /srv/vol/f; ls -d /bin/t; ln -s ../secret /srv/vol/out; cat /srv/vol/out; rm /srv/vol/out; cat /srv/vol/../../secret')
expect "links" "inside
/bin/t
cat: can't open '/srv/vol/out': No such file or directory
cat: can't open '/srv/vol/../../secret': No such file or directory" "$got"

# ---- memory ----
got=$(in_root --mount type=tmpfs,dst=/t,size=1m,mode=700 --mount type=tmpfs,dst=/r,ro -- /bin/sh -c '
stat -c %a /t; dd if=/dev/zero of=/t/big bs=64k count=100 2>&1 | grep -v records
stat -c %s /t/big; rm /t/big; echo ok > /t/x && cat /t/x; touch /r/x')
expect "tmpfs" "700
dd: error writing '/t/big': No space left on device
1048576
ok
touch: /r/x: Read-only file system" "$got"
got=$(in_root --overlay memory:1M -- /bin/sh -c '
dd if=/dev/zero of=/etc/big bs=64k count=100 2>&1 | grep -v records; rm /etc/big; echo ok > /etc/x && cat /etc/x')
expect "overlay with a limit" "dd: error writing '/etc/big': No space left on device
ok" "$got"
got=$(in_root --overlay none -- /bin/sh -c 'echo x > /etc/x')
expect "no overlay" "/bin/sh: can't create /etc/x: Read-only file system" "$got"

# ---- what cannot be done is said in one line ----
got=$(in_root --overlay none --mount type=tmpfs,dst=/not/there -- /bin/sh -c true)
expect "read-only root: status" 125 $?
expect "read-only root" "moat: cannot mount tmpfs (tmpfs) on /not/there: read-only file system" "$got"
got=$(in_root --mount "type=bind,src=$dir/none,dst=/x" -- /bin/sh -c true)
expect "no source" "moat: --mount: $dir/none: No such file or directory" "$got"
got=$(in_root --mount "type=bind,src=$dir/v,dst=/bin/cat" -- /bin/sh -c true)
expect "a directory on a file" "moat: cannot mount $dir/v (bind) on /bin/cat: not a directory" "$got"

# ---- what the host changes: seen by the next open or stat ----
echo one > "$dir/v/..1/key"
echo two-longer > "$dir/v/..2/key"
ln -s ..1 "$dir/v/..data"
ln -s ..data/key "$dir/v/key"
mkfifo "$dir/go" "$dir/said"
in_root --mount "type=bind,src=$dir/v,dst=/vol" --mount "type=bind,src=$dir/resolv,dst=/etc/resolv.conf" \
	-- /bin/sh -c '
exec 3< /vol/f; cat /vol/f /vol/key; ls /vol/later; tail -n 1 /etc/resolv.conf; echo ready
read go; cat /vol/f /vol/key /vol/later; stat -c %s /vol/f; tail -n 1 /etc/resolv.conf; cat <&3; ls /vol
for i in 1 2; do echo in$i >> /vol/log; echo turn; read go; done; cat /vol/log' \
	< "$dir/go" > "$dir/said" &
exec 7> "$dir/go" 8< "$dir/said"
said=
hear() {
	while read -r line <&8 && [ "$line" != "$1" ]; do
		said="$said$line
"
	done
}
hear ready
echo changed-longer > "$dir/v/f"
ln -s ..2 "$dir/v/..next"
mv -T "$dir/v/..next" "$dir/v/..data"
echo new > "$dir/v/later"
echo 'options x' >> "$dir/resolv"
echo go >&7
hear turn
echo out1 >> "$dir/v/log"
echo go >&7
hear turn
echo out2 >> "$dir/v/log"
echo go >&7
exec 7>&-
said="$said$(cat <&8)"
exec 8>&-
wait
expect "changes on the host" "inside
one
ls: /vol/later: No such file or directory
search lan
changed-longer
two-longer
new
15
options x
changed-longer
f
key
later
sub
in1
out1
in2
out2" "$said"

# ---- what was written is on the host, whatever happens then ----
for where in "--mount type=bind,src=$dir/v,dst=/etc" --rw; do
	# shellcheck disable=SC2086
	in_root $where -- /bin/sh -c 'dd if=/dev/zero of=/etc/big bs=1000 count=700 2> /dev/null; echo last >> /etc/big
echo written; exec sleep 100' > "$dir/said" < /dev/null &
	pid=$!
	exec 8< "$dir/said"
	read -r line <&8
	# moat is this shell's child, or its child's where the shell does not exec.
	child=$(cat "/proc/$pid/task/$pid/children")
	case $(cat "/proc/$pid/comm") in moat) moat=$pid ;; *) moat=${child%% *} ;; esac
	# shellcheck disable=SC2013
	for p in $(cat "/proc/$moat/task/$moat/children"); do
		[ "$(cat "/proc/$p/comm")" != moat-launcher ] || kill -KILL "$p"
	done
	cat <&8 > /dev/null
	exec 8>&-
	wait "$pid"
	expect "killed launcher ($where): status" 137 $?
	f=$dir/v/big
	[ "$where" != --rw ] || f=$dir/root/etc/big
	expect "killed launcher ($where): size" 700005 "$(stat -c %s "$f")"
	expect "killed launcher ($where): end" last "$(tail -n 1 "$f" | tr -d '\0')"
done
done_testing
