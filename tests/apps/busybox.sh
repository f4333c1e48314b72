#!/bin/sh
# A shell session in busybox: pipelines, here-documents, background jobs, traps, tar and friends.
# files: /bin/busybox
. "$(dirname "$0")/common"
n=1000
[ -z "${TEST_FULL:-}" ] || n=5000

got=$(inside /bin/busybox sh -c '
cat <<X | tr a-z A-Z
here $((6 * 7))
X
(sleep 0.1; echo job) & wait
trap "echo trapped" USR1; kill -USR1 $$
echo one two | while read a b; do echo $b $a; done
f() { return 3; }; f; echo $?
seq 10 | awk "{ s += \$1 } END { print s }"
')
expect "shell" "HERE 42
job
trapped
two one
3
55" "$got"

sum='mkdir -p /tmp/t/d && cd /tmp/t/d && i=0 && while [ $i -lt '$n' ]; do echo $i > f$i; i=$((i + 1)); done
find . -type f | sort | xargs cat | md5sum
tar cf - . | gzip | gunzip | tar tf - | wc -l
rm -r /tmp/t; ls /tmp/t 2> /dev/null | wc -l'
want=$(seq 0 $((n - 1)) | sed "s|^|./f|" | LC_ALL=C sort | sed "s|^./f||" | md5sum)
expect "files" "$want
$((n + 1))
0" "$(inside /bin/busybox sh -c "$sum")"

expect "input" "5" "$(printf '1\n2\n3\n4\n5\n' | inside /bin/busybox wc -l)"
expect_status "exit" 7 /bin/busybox sh -c 'exit 7'
expect_status "signal" 143 /bin/busybox sh -c 'kill -TERM $$'
expect_status "not found" 127 /no/such/program
done_testing
