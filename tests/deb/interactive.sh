#!/bin/bash
# Debuggers (gdb, strace), and vim in tmux.
# kvm: full
. "$(dirname "$0")/common"
expect "debuggers" '--- gdb
Breakpoint 1, f (x=41) at g.c:5
#0  f (x=41) at g.c:5
#1  ADDR in main (argc=1, argv=ADDR) at g.c:10
$1 = 41
Old value = 0
New value = 41
Value returned is $2 = 42
  1    Thread ADDR "g"
* 2    Thread ADDR "g"
141
[Inferior 1 (process) exited normally]
--- attach
$1 = 41
$2 = 8
$3 = 7
status 143
--- strace
exited with 0
exited with 0
exited with 3
write(1, "83\n
1
si_signo=SIGUSR1, si_code=SI_USER' "$(inside bash -c "$(body debuggers)")"
expect "tmux" "hello world
hello world
hello world
hello world" "$(inside bash -c "$(body tmux)" 2>&1)"
done_testing
