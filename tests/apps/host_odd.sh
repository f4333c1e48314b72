#!/bin/bash
# What trees rarely hold: directories of 100,000 names, names of 255 bytes and not UTF-8, files of 1 TiB, FIFOs, devices and
# sockets, files that may not be read; a root that is moved away or removed under us; no more descriptors, no more memory.
# files: /bin/busybox $BUILD/tests/apps/host_odd
. "$(dirname "$0")/common"
B=/bin/busybox
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || rm -rf "$dir"' EXIT
chmod 755 "$dir"
root=$dir/root
mkdir -p "$root/bin" "$root/big" "$root/d"
cp $B "$root/bin/busybox"
cp "$BUILD/tests/apps/host_odd" "$root/odd"
odd=$root/odd
n=10000
[ -z "${TEST_FULL:-}" ] || n=100000

both() { # WHAT WANT PROG ARG...: the same on the host's own tree and over it
	local what=$1 want=$2
	shift 2
	expect "$what, over it" "$want" "$(MOAT_OPTS="--rootfs $root" inside "$@" 2>&1)"
	expect "$what" "$want" "$(MOAT_OPTS="--rootfs $root --rw" inside "$@" 2>&1)"
}

"$odd" fill "$root/big" $n
both "a large directory" "$n names, $n different" /odd count /big
both "its end" "0 failed, then 0 names, 0 different" /odd clear /big
expect "its end, on the host" 0 "$(find "$root/big" -type f | wc -l)"
both "names" "$("$odd" names "$root/d")" /odd names /d
both "1 TiB" "size 1099511627776, few blocks, end e, middle 0, mapped end e
written through the mapping: m" /odd sparse /d/sparse
expect "1 TiB, on the host" "1099511627776 m" "$(stat -c %s "$root/d/sparse") $(dd if="$root/d/sparse" bs=1 skip=1099511623680 count=1 2> /dev/null)"
rm -f "$root/d/sparse"

# ---- what is not a file ----
mkfifo "$root/d/fifo"
special='cd /d; (echo through > fifo &) ; cat fifo; [ -p fifo ] && echo fifo; [ -S socket ] && echo socket
{ cat socket; } 2>&1 | grep -o "No such device.*"; stat -c "%F %t %T" null; echo x > null && cat null && echo "the Sentry'"'"'s own"'
if mknod "$root/d/null" c 1 3 2> /dev/null; then
	"$odd" socket "$root/d/socket"
	got=$(MOAT_OPTS="--rootfs $root --rw" inside $B sh -c "$special" 2>&1)
	expect "a FIFO, a socket, a device" "through
fifo
socket
No such device or address
character special file 1 3
the Sentry's own" "$got"
fi

# ---- a root that goes away ----
gone() { # HOW WANT
	mkfifo "$dir/go" "$dir/said"
	cp -a "$root" "$dir/gone"
	"$MOAT" do --platform "$PLATFORM" --rootfs "$dir/gone" --rw -- /bin/busybox sh -c 'busybox ls /d > /dev/null; echo up
read go; { echo new > /d/new; } 2> /dev/null && cat /d/new || echo refused; ls / > /dev/null 2>&1; echo end' < "$dir/go" > "$dir/said" &
	local pid=$! line
	exec 7> "$dir/go" 8< "$dir/said"
	read -r -t 60 line <&8
	expect "$1: start" up "$line"
	$1 "$dir/gone"
	echo go >&7
	exec 7>&-
	expect "$1" "$2" "$(timeout 60 cat <&8)"
	wait $pid
	expect "$1: status" 0 $?
	rm -rf "$dir/go" "$dir/said" "$dir/gone" "$dir/moved"
}
moved() { mv "$1" "$dir/moved"; }
removed() { rm -rf "$1"; }
gone moved "new
end"
gone removed "refused
end"

# ---- none left ----
"$odd" fill "$root/big" 5000
expect "descriptors" "many, then no more descriptors
many, then no more descriptors" "$(MOAT_OPTS="--rootfs $root --rw" inside $B sh -c 'ulimit -n 4000; /odd descriptors /big')"
expect "memory" "15 of 64 MiB, then ENOMEM
15 of 64 MiB, then ENOMEM" "$(inside "$odd" memory)"
done_testing
