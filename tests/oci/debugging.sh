#!/bin/bash
# dmesg, trace and debug: looking into the kernel of a running container, and crashing it on purpose, which its neighbour survives.
. "$(dirname "$0")/common"
containers="c1 c2"
script 'while :; do sleep 0.2; ls /tmp > /dev/null; done'
for id in c1 c2; do moat run --detach $id < /dev/null > /dev/null 2> err.$id; done
expect "dmesg" 1 "$(moat dmesg c1 | grep -c "Sentry [0-9.]* on $PLATFORM, ")"
expect "dmesg: whole lines" 0 "$(moat dmesg c1 | grep -vc '^<6>\[')"

timeout 2 "$MOAT" --root "$dir/state" trace c1 process > lines
expect "trace: what it shows" 1 "$(grep -c 'execve(.*, \["sleep", "0.2"\], ' lines | sed 's/^[1-9][0-9]*$/1/')"
expect "trace: and only that" 0 "$(grep -c 'write(\|openat(' lines)"
mkfifo fifo
timeout 60 "$MOAT" --root "$dir/state" trace c1 > fifo 2>&1 &
exec 3< fifo
read -r -u 3 line
expect "trace: one at a time" "moat: the sandbox is traced already" "$(moat trace c1 2>&1)"
expect "trace: another container's" 0 "$(timeout 1 "$MOAT" --root "$dir/state" trace c2 | grep -c traced)"
kill %1
wait
exec 3<&-
expect "trace: again" 1 "$(timeout 1 "$MOAT" --root "$dir/state" trace c1 all | grep -c . | sed 's/^[1-9][0-9]*$/1/')"
expect "trace: an unknown call" 1 "$(moat trace c1 no_such_call 2>&1 | grep -c no_such_call)"

moat exec c1 sleep 100 &
await 5 eval "moat ps c1 | grep -q sleep"
moat debug c1 --stacks > stacks
expect "debug --stacks" "0 0" "$(grep -q '^process 1, thread 1, sh, state S, in system call 61$' stacks; echo $?) $(
	grep -A 4 ', sleep, state S, in system call 230$' stacks | grep -q '^    sys_clock_nanosleep+0x[0-9a-f]*$'; echo $?)"
expect "debug: nothing to do" "moat: debug: needs --stacks or --crash, and one container id" "$(moat debug c1 2>&1)"

moat debug --crash c1
await 10 is stopped
expect "after a crash" "stopped running" "$(status c1) $(status c2)"
expect "its report" "1 1" "$(grep -c 'the Sentry crashed on CPU [0-9]*: somebody asked for it' err.c1) $(
	grep -c '^    [0-9a-f]*  kthread_main+0x' err.c1)"
expect "the neighbour" alive "$(moat exec c2 echo alive)"
expect "commands about the dead one" "moat: container 'c1' is not running" "$(moat dmesg c1 2>&1)"
moat delete c1
expect "delete" 0 $?
done_testing
