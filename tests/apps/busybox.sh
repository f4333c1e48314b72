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
cat <<-"Y"
	quoted $HOME
	Y
sleep 20 & sleep 20 & jobs | wc -l; kill %1 %2; wait; jobs > /dev/null
i=0; while [ $i -lt 8 ]; do (sleep 0.0$i; exit $i) & i=$((i + 1)); done
for p in $(jobs -p); do wait $p; s="$s $?"; done; echo "jobs$s"
(trap "echo bye" EXIT; trap "echo interrupted; exit 9" INT; kill -INT $(sh -c "echo \$PPID"); sleep 5); echo $?
mkfifo /tmp/f; (echo through > /tmp/f) & read x < /tmp/f; echo $x
yes | head -n 3 | tr "\n" " "; echo
printf "b 2\na 1\nb 3\n" | awk "{ n[\$1] += \$2 } END { for (k in n) print k, n[k] }" | sort
')
expect "shell" "HERE 42
job
trapped
two one
3
55
quoted \$HOME
2
jobs 7 6 5 4 3 2 1 0
interrupted
bye
9
through
y y y 
a 1
b 5" "$got"

sum='mkdir -p /tmp/t/d && cd /tmp/t/d && i=0 && while [ $i -lt '$n' ]; do echo $i > f$i; i=$((i + 1)); done
find . -type f | sort | xargs cat | md5sum
tar cf - . | gzip | gunzip | tar tf - | wc -l
tar cf - . | gzip | md5sum > /tmp/1; tar cf - . | gzip | md5sum > /tmp/2; cmp /tmp/1 /tmp/2 && mkdir ../x && tar cf - . | tar xf - -C ../x
cat $(find ../x -name "f*[05]" | sort) | gzip | md5sum
find . -type f -name "f*9" -size -2 | awk -F f "{ s += \$2 } END { print NR, s }"
find . -name "f1*" -exec rm {} + ; ls | wc -l
rm -r /tmp/t; ls /tmp/t 2> /dev/null | wc -l'
fives=$(cd /tmp && seq 0 5 $((n - 1)) | sed "s|^|f|" | LC_ALL=C sort | sed "s|^f||" | /bin/busybox gzip | md5sum)
nines=$(seq 9 10 $((n - 1)) | awk '{ s += $1 } END { print NR, s }')
left=$(seq 0 $((n - 1)) | grep -vc '^1')
want=$(seq 0 $((n - 1)) | sed "s|^|./f|" | LC_ALL=C sort | sed "s|^./f||" | md5sum)
expect "files" "$want
$((n + 1))
$fives
$nines
$left
0" "$(inside /bin/busybox sh -c "$sum")"

expect "input" "5" "$(printf '1\n2\n3\n4\n5\n' | inside /bin/busybox wc -l)"
expect_status "exit" 7 /bin/busybox sh -c 'exit 7'
expect_status "signal" 143 /bin/busybox sh -c 'kill -TERM $$'
expect_status "not found" 127 /no/such/program
done_testing
