#!/bin/sh
# `moat do --overlay file:DIR`: what a sandbox changes is there for the next one with the same DIR, and the root stays as it was:
# whiteouts, directories in place of others, copies with all attributes, renames over both layers, links, a limit, refusals.
# files: /bin/busybox
. "$(dirname "$0")/common"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir -p "$dir/root/bin" "$dir/root/etc" "$dir/root/tree/sub/deep" "$dir/root/full" "$dir/up"
cp /bin/busybox "$dir/root/bin/busybox"
for c in sh cat ls echo dd stat mkdir rm mv ln touch df chmod chown rmdir cp sort find mkfifo mknod sleep kill sync; do
	ln -s busybox "$dir/root/bin/$c"
done
echo low > "$dir/root/etc/f"
echo gone > "$dir/root/etc/gone"
echo set > "$dir/root/etc/setid" && chmod 4751 "$dir/root/etc/setid" && touch -d 2001-02-03T04:05:06 "$dir/root/etc/setid"
ln -s f "$dir/root/etc/link"
echo two > "$dir/root/etc/two" && ln "$dir/root/etc/two" "$dir/root/etc/twin"
for i in 1 2 3; do echo $i > "$dir/root/tree/$i"; echo $i > "$dir/root/tree/sub/deep/$i"; echo $i > "$dir/root/full/$i"; done
before=$(find "$dir/root" | sort | xargs stat -c '%n %f %s %u %Y')

layered() {
	"$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" --overlay "file:$dir/up${LIMIT:-}" -- /bin/sh -c "$1" 2>&1
}
# both WHAT COMMANDS SHOW WANT: what SHOW prints after the changes, and in the next sandbox, which is the next test's.
last_show=: last_want=
both() {
	expect "what there was before, and $1" "${last_want:+$last_want
}--
$4" "$(layered "$last_show; echo --; $2; $3")"
	last_show=$3 last_want=$4
}

both "a changed file" 'echo more >> /etc/f; echo new > /etc/new' 'cat /etc/f /etc/new /etc/link' "low
more
new
low
more"
both "a removed file" 'rm /etc/gone' 'ls /etc; cat /etc/gone' "f
link
new
setid
twin
two
cat: can't open '/etc/gone': No such file or directory"
both "one in its place" 'echo back > /etc/gone' 'cat /etc/gone' back
both "and removed again" 'rm /etc/gone' 'ls -d /etc/gone' "ls: /etc/gone: No such file or directory"
both "a copy keeps mode, owner and times" 'chown 7:8 /etc/setid; chmod 4751 /etc/setid' \
	"stat -c '%a %u %g %s %Y' /etc/setid; cat /etc/setid" "4751 7 8 4 $(stat -c %Y "$dir/root/etc/setid")
set"
both "a link's names part" 'echo changed > /etc/two; ln /etc/new /etc/newer; rm /etc/new' \
	'cat /etc/two /etc/twin /etc/newer; stat -c %h /etc/newer' "changed
two
new
1"
both "a removed directory" 'rm -r /full' 'ls -d /full' "ls: /full: No such file or directory"
both "another in its place" 'mkdir /full; echo x > /full/x; echo 1b > /full/1; rm /full/1' 'ls /full' x
both "removed, made, removed" 'rm -r /full; mkdir /full /full/1; rmdir /full/1' 'ls -a /full' ".
.."
both "a file in the place of a directory" 'rmdir /full; echo file > /full' 'cat /full' file
both "a renamed directory of both layers" 'echo new > /tree/sub/new; rm /tree/sub/deep/2; mv /tree /moved' \
	'find /moved -type f | sort; cat /moved/sub/deep/3; ls -d /tree' "/moved/1
/moved/2
/moved/3
/moved/sub/deep/1
/moved/sub/deep/3
/moved/sub/new
3
ls: /tree: No such file or directory"
both "renames over names of both" 'mv /etc/f /etc/twin; echo a > /a; mv /a /etc/two; mv /moved/sub /tree' \
	'cat /etc/twin /etc/two; ls /etc; ls /tree' "low
more
a
link
newer
setid
twin
two
deep
new"
both "names like the layer's own" 'echo 1 > /.wh.x; mkdir -p /work/upper; echo 2 > /moat-overlay; mkfifo /fifo; mknod /dev0 c 0 0 2> /dev/null' \
	'ls -d /.wh.x /work/upper /moat-overlay /fifo; [ -p /fifo ] && ls /dev0' "/.wh.x
/fifo
/moat-overlay
/work/upper
ls: /dev0: No such file or directory"
both "the last of these" : 'echo end' end
expect "the root stays as it was" "$before" "$(find "$dir/root" | sort | xargs stat -c '%n %f %s %u %Y')"
expect "nothing is left in work" "" "$(ls "$dir/up/work")"

# ---- an unlinked file that is open; what was written last when the sandbox is killed ----
expect "an unlinked file" "low
more
still" "$(layered 'exec 3< /etc/twin 4> /open; rm /etc/twin /open; cat <&3; echo still >&4; cat /proc/self/fd/4')"
layered 'echo first > /kept; echo second >> /kept; kill -9 $$' > /dev/null
expect "after a kill" "first
second" "$(layered 'cat /kept')"

# ---- a limit, which counts what is there ----
LIMIT=:1M
got=$(layered 'dd if=/dev/zero of=/big bs=4k count=200 2> /dev/null; echo $?; dd if=/dev/zero of=/more bs=4k count=200 2>&1 | { read -r line; echo "$line"; }' )
expect "a limit" "0
dd: error writing '/more': No space left on device" "$got"
expect "a limit in the next sandbox" "full" "$(layered 'dd if=/dev/zero of=/third bs=4k count=100 2> /dev/null || echo full')"
expect "room again" "ok" "$(layered 'rm -f /big /more /third; dd if=/dev/zero of=/fourth bs=4k count=100 2> /dev/null && echo ok')"
expect "df" "1024" "$(layered 'df -k / | { read -r line; read -r fs blocks rest; echo $blocks; }')"
LIMIT=

# ---- refused in one line ----
refused() {
	expect "$1" "moat: --overlay file:$2: $3" "$("$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" --overlay "file:$2" -- /bin/true 2>&1)"
}
"$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" --overlay "file:$dir/up" -- /bin/sh -c 'echo up > /ready; exec sleep 100' &
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	[ -e "$dir/up/upper/ready" ] && break
	sleep 1
done
refused "in use" "$dir/up" "in use by another sandbox"
kill -9 $!
wait $! 2> /dev/null
expect "free again" up "$(layered 'cat /ready')"
mkdir "$dir/other" && echo x > "$dir/other/file"
refused "other files" "$dir/other" "holds other files; give an empty directory, or one that was used for this before"
refused "no directory" "$dir/other/file" "cannot be opened: Not a directory"
refused "nothing there" "$dir/nothing" "is not there; make an empty directory"
done_testing
