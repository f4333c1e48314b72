/*
 * itimer.c - interval timers and POSIX timers of processes.
 */
#include "task/private.h"

void itimers_exit(struct process *p)
{
}

void itimers_exec(struct process *p)
{
}
