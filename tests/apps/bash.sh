#!/bin/bash
# bash-static: coprocesses, many forks, job control.
# files: /bin/bash-static /bin/busybox
. "$(dirname "$0")/common"
sh=/bin/bash-static
[ -x $sh ] || sh=/bin/bash
n=100
[ -z "${TEST_FULL:-}" ] || n=1000

expect "coproc" "got hi" "$(inside $sh -c 'coproc /bin/busybox cat; echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; echo got $x')"
expect "forks" "$n" "$(inside $sh -c 'c=0; for ((i = 0; i < '$n'; i++)); do (exit 0) && c=$((c + 1)); done; echo $c')"
expect "process substitution" "a b" "$(inside $sh -c 'read x < <(echo a b); echo $x')"
expect "job control" "stopped continued 0" "$(inside $sh -c 'set -m
/bin/busybox sleep 0.3 & kill -STOP $!; while ! jobs -s | /bin/busybox grep -q Stopped; do :; done; a=stopped
kill -CONT $!; a="$a continued"; r=147
while [ $r = 147 ]; do wait $!; r=$?; done # 128 + SIGSTOP: bash has not seen it go on yet
echo $a $r')"
expect "limits of files" "300 $(ulimit -Hn)" "$(ulimit -Sn 300; inside $sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)')"
expect "arithmetic" "5050" "$(inside $sh -c 's=0; for i in {1..100}; do ((s += i)); done; echo $s')"
done_testing
