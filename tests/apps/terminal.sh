#!/bin/bash
# A terminal inside (--tty), driven through script(1)'s pty: echo, size, Ctrl-C, vi.
# files: /bin/busybox
. "$(dirname "$0")/common"
command -v script > /dev/null || skip "script(1) is not here"
[ "$PLATFORM" = systrap ] || skip "needs a host terminal; the emulated machine has none"
export MOAT PLATFORM
run() { timeout 20 script -qec "$MOAT do --platform $PLATFORM --tty -- $1" /dev/null | tr -d '\r'; }

out=$({ sleep 0.6; printf 'echo a$((1+1))b\n'; sleep 0.3; printf 'sleep 9\n'; sleep 0.5; printf '\003'; sleep 0.3; printf 'echo st=$?\n'; sleep 0.3; printf 'exit 4\n'; sleep 0.3; } |
	run "/bin/busybox sh")
case $out in *a2b*) ;; *) expect "echo" "a2b" "$out" ;; esac
case $out in *st=130*) ;; *) expect "Ctrl-C" "st=130" "$out" ;; esac

file=/tmp/moat-vi.$$
{ sleep 0.8; printf 'ihello vi'; sleep 0.3; printf '\033'; sleep 0.5; printf ':wq\n'; sleep 0.8; printf 'cat /tmp/v; exit\n'; sleep 0.5; } |
	run "/bin/busybox sh -c '/bin/busybox vi /tmp/v; exec /bin/busybox sh'" > $file
grep -q 'hello vi' $file || expect "vi" "hello vi" "$(tail -5 $file)"
rm -f $file
done_testing
